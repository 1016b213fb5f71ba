/// How an image is cut into windows of one size.
///
/// The image is widened by rows below and columns to the right until windows cover it, then moved
/// up and to the left by `shift`: what leaves it comes back in from the other side. Or it is moved
/// first.
public struct WindowGrid: Hashable, Sendable {
  /// Rows and columns of the image.
  public var image: [Int]
  /// Rows and columns of a window.
  public var window: [Int]
  /// How far the image is moved.
  public var shift: [Int]
  /// `true` iff the image is moved before it is widened.
  public var movesFirst: Bool

  /// The largest extent of anything that is cut.
  static let largestExtent = 4096

  /// Creates a grid of windows.
  public init(
    image: [Int], window: [Int], shift: [Int] = [0, 0], movesFirst: Bool = false
  ) {
    self.image = image
    self.window = window
    self.shift = shift
    self.movesFirst = movesFirst
  }

  /// Rows and columns of windows.
  public var windows: [Int] { zip(image, window).map { ($0 + $1 - 1) / $1 } }
  /// The number of windows.
  public var count: Int { windows[0] * windows[1] }
  /// The kinds of windows; `nil`: the image is not moved, and all are alike.
  public var kinds: WindowKinds? { shift == [0, 0] ? nil : WindowKinds(windows) }
  /// `false` iff there is one window, which is the image as it lies.
  public var cutsMap: Bool { window != image || shift != [0, 0] }
  /// The places of the image.
  public var places: Int { image[0] * image[1] }
  /// The places of all windows, with those that the image is widened by.
  public var widenedPlaces: Int { count * window[0] * window[1] }

  /// Rows and columns of what is moved.
  public var moved: [Int] { movesFirst ? image : zip(windows, window).map { $0 * $1 } }

  /// `nil`, or what is wrong.
  var problem: String? {
    func isGrid(_ extents: [Int]) -> Bool {
      extents.count == 2 && extents.allSatisfy { 1...Self.largestExtent ~= $0 }
    }
    guard isGrid(image), isGrid(window), shift.count == 2,
      zip(shift, zip(image, window)).allSatisfy({
        0..<(movesFirst ? min($1.0, $1.1) : $1.1) ~= $0
      })
    else {
      return "expected two extents from 1 to \(Self.largestExtent) each and a shift within them,"
        + " found \(image), \(window) and \(shift)"
    }
    return nil
  }

  /// The place of the image that a place in the windows, all of them one after the other, shows;
  /// `nil`: it shows what the image is widened by.
  func source(_ place: Int) -> Int? {
    let area = window[0] * window[1]
    let (index, within) = (place / area, place % area)
    var found: [Int] = []
    for (axis, (index, within)) in [
      (index / windows[1], within / window[1]), (index % windows[1], within % window[1]),
    ].enumerated() {
      let coordinate = index * window[axis] + within
      if movesFirst, coordinate >= image[axis] { return nil }
      found.append((coordinate + shift[axis]) % moved[axis])
      if found[axis] >= image[axis] { return nil }
    }
    return found[0] * image[1] + found[1]
  }
}
