import Diagnostics

/// What pixels outside of the image count as in `max_pool`.
public enum PoolBorder: String, Hashable, Sendable, CaseIterable {
  /// They count as zero: Big Transfer, which widens the image by zeros beforehand.
  case zero
  /// They do not count.
  case lowest
}

/// Takes the maximum of each channel in each window of an image.
///
/// `y[i * columns + j, c] = max_{u,v} x[i' * width + j', c]`, where `i' = i * stride + u - top` and
/// `j' = j * stride + v - left`
///
/// Operand: `x: [height * width, channels]`, one row for each pixel in row-major order of the
/// image. Result: `[rows * columns, channels]`, one row for each window, where
/// `rows = (height + top + bottom - size) / stride + 1`, and likewise `columns`. Attributes:
/// `width`, `size` (the side of a window) and `stride` in pixels; `padding`, the pixels
/// `[top, left, bottom, right]` that the image is widened by, none by default; `border`, what they
/// count as: `lowest`, the default, or `zero`.
///
/// - C1: `x` has rank 2 and `width` divides its rows.
/// - C2: `size` and `stride` are at least 1; a padding is at least 0 and smaller than `size`.
/// - C3: the widened image holds a window.
public struct MaxPool: OpDefinition {
  /// The width of the image in pixels.
  public var width: Int
  /// The side of a window in pixels.
  public var size: Int
  /// Pixels from one window to the next.
  public var stride: Int
  /// What the image is widened by.
  public var padding: Padding
  /// What pixels outside of the image count as.
  public var border: PoolBorder

  /// Creates a pooling.
  public init(
    width: Int, size: Int, stride: Int, padding: Padding = Padding(), border: PoolBorder = .lowest
  ) {
    self.width = width
    self.size = size
    self.stride = stride
    self.padding = padding
    self.border = border
  }

  static let mnemonic = "max_pool"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("width", .integer(width))
    list.set("size", .integer(size))
    list.set("stride", .integer(stride))
    if padding != Padding() { list.set("padding", .integers(padding.list)) }
    if border != .lowest { list.set("border", .text(border.rawValue)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    width = try attributes.integer("width")
    size = try attributes.integer("size")
    stride = try attributes.integer("stride")
    padding = try Padding(reading: &attributes)
    border = try attributes.choice("border", default: .lowest)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    let rows = operands[0].shape[0]
    try require(
      "C1", width > 0 && rows % width == 0, "x: \(operands[0]) holds no image of width \(width)")
    try require("C2", size > 0, "size: expected at least 1, found \(size)")
    let windows = windows(pixels: rows)
    if let problem = windows.attributeProblem { throw violation("C2", problem) }
    try require(
      "C3", windows.isAny,
      "the image of \(windows.height)x\(width) pixels is smaller than the window of \(size)x\(size)"
    )
    return .f32(windows.count, operands[0].shape[1])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0]
    let (windows, channels) = (windows(pixels: x.rows), x.columns)
    var result = DenseTensor<S>(shape: [windows.count, channels], repeating: -.infinity)
    for index in 0..<windows.count {
      var taps = 0
      windows.forEachTap(index) { _, _, pixel in
        taps += 1
        for c in 0..<channels {
          result.values[index * channels + c] = Self.larger(
            result.values[index * channels + c], x.values[pixel * channels + c])
        }
      }
      if border == .zero, taps < size * size {
        for c in 0..<channels {
          result.values[index * channels + c] = Self.larger(
            result.values[index * channels + c], 0)
        }
      }
    }
    return result
  }

  /// The larger of two numbers; what is not a number stays so.
  private static func larger<S: TensorScalar>(_ a: S, _ b: S) -> S {
    a.isNaN || b.isNaN ? .nan : max(a, b)
  }

  /// The windows of an image of so many pixels.
  public func windows(pixels: Int) -> Windows {
    Windows(
      height: pixels / width, width: width, kernelHeight: size, kernelWidth: size, stride: stride,
      padding: padding)
  }
}
