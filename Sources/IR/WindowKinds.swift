/// The kinds of windows that cover an image which has been moved, what leaves it coming back in
/// from the other side.
///
/// A window is in the last row of windows or not, and in the last column or not: seams, where
/// places that were not neighbours meet, are in those alone. Kinds are counted as windows are:
/// inside, in the last column, in the last row, in both. Of a single row or column of windows,
/// which is the last, there are half as many.
public struct WindowKinds: Hashable, Sendable {
  /// Rows and columns of windows.
  public var windows: [Int]

  /// Creates the kinds of so many rows and columns of windows.
  public init(_ windows: [Int]) { self.windows = windows }

  /// Rows and columns of kinds.
  public var extents: [Int] { windows.map { min($0, 2) } }
  /// The number of kinds.
  public var count: Int { extents[0] * extents[1] }

  /// The kind of a window, which are counted row by row.
  public func kind(of window: Int) -> Int {
    func kind(_ index: Int, _ axis: Int) -> Int {
      index < windows[axis] - 1 ? 0 : extents[axis] - 1
    }
    return kind(window / windows[1], 0) * extents[1] + kind(window % windows[1], 1)
  }

  /// The last window of a kind.
  func window(of kind: Int) -> Int {
    func index(_ kind: Int, _ axis: Int) -> Int {
      kind == extents[axis] - 1 ? windows[axis] - 1 : 0
    }
    return index(kind / extents[1], 0) * windows[1] + index(kind % extents[1], 1)
  }
}
