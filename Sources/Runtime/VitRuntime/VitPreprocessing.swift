import JSON

/// How a picture becomes a model's input, as `VitModel.preprocess` does it: for information, and
/// for apps that prepare pictures themselves.
///
/// The picture is resized, a window of the input's size is laid on the result, and each value v of
/// 0...255 becomes (v * rescale + offset - mean) / deviation.
public struct VitPreprocessing: Hashable, Sendable {
  /// What the resize keeps.
  public enum Mode: String, Hashable, Sendable, CaseIterable {
    /// No resize.
    case none
    /// To `resizeWidth` x `resizeHeight`, aspect not kept.
    case exact
    /// The shortest edge to `resizeHeight`, aspect kept; the other edge is truncated.
    case shortestEdge
    /// By one factor, so that `resizeWidth` x `resizeHeight` is covered; edges are rounded.
    case cover
    /// By one factor, so that it fits into `resizeWidth` x `resizeHeight`; edges are rounded.
    case fit
    /// The longest edge to `resizeHeight`, aspect kept; halves are rounded up.
    case longestEdge
    /// By one factor, so that it fits into `resizeWidth` x `resizeHeight`; edges are truncated.
    case within
    /// By the largest factor at which there are at most `resizeHeight` patches of `multiple` pixels
    /// a side; edges are rounded up to whole patches.
    case patches
    /// To a height of `resizeHeight` or a width of `resizeWidth`, whichever factor is nearer to 1;
    /// edges are rounded to multiples of `multiple`.
    case multiples
  }

  /// The filter of the resize; the raw values are PIL's.
  public enum Filter: Int, Hashable, Sendable, CaseIterable {
    case nearest = 0
    case lanczos = 1
    case bilinear = 2
    case bicubic = 3
    case box = 4
    case hamming = 5
  }

  /// What follows the resize.
  public enum Window: String, Hashable, Sendable, CaseIterable {
    /// A crop or pad around the centre to the input's size.
    case centered
    /// A crop or pad at the right and the bottom to the input's size.
    case topLeft
    /// Nothing: pictures that have another size then are refused.
    case equal
  }

  /// What the resize keeps.
  public var mode: Mode
  /// The width that the mode is about.
  public var resizeWidth: Int
  /// The height, or the edge, that the mode is about.
  public var resizeHeight: Int
  /// What the other edge is at most in mode `shortestEdge`.
  public var longestEdge: Int?
  /// What edges are multiples of in the modes `patches` and `multiples`.
  public var multiple: Int?
  /// The filter of the resize.
  public var filter: Filter
  /// What follows the resize.
  public var window: Window
  /// `true` iff the input's first channel is blue.
  public var isBGR: Bool
  /// What 8-bit values are multiplied by.
  public var rescale: Double
  /// What is added after that.
  public var offset: Double
  /// The mean of each channel.
  public var mean: [Double]
  /// The standard deviation of each channel.
  public var deviation: [Double]

  /// `nil` where a member is absent, or has a value that this version does not know.
  init?(_ json: JSONValue) {
    func number(_ key: String) -> Double? { json[key]?.double }
    func integer(_ key: String) -> Int? { number(key).flatMap { Int(exactly: $0) } }
    func numbers(_ key: String) -> [Double]? { json[key]?.array?.compactMap(\.double) }
    guard let mode = json["mode"]?.string.flatMap(Mode.init),
      let filter = integer("filter").flatMap(Filter.init),
      let window = json["window"]?.string.flatMap(Window.init),
      let width = integer("resizeWidth"), let height = integer("resizeHeight"),
      let rescale = number("rescale"), let offset = number("offset"),
      let mean = numbers("mean"), let deviation = numbers("deviation")
    else { return nil }
    self.mode = mode
    self.filter = filter
    self.window = window
    resizeWidth = width
    resizeHeight = height
    longestEdge = integer("longestEdge")
    multiple = integer("multiple")
    isBGR = json["isBGR"] == .bool(true)
    self.rescale = rescale
    self.offset = offset
    self.mean = mean
    self.deviation = deviation
  }
}
