import Diagnostics

/// How many rows and columns an image is widened by on each side.
public struct Padding: Hashable, Sendable {
  /// Rows above.
  public var top: Int
  /// Columns to the left.
  public var left: Int
  /// Rows below.
  public var bottom: Int
  /// Columns to the right.
  public var right: Int

  /// Creates a padding.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// The same on all sides.
  public init(_ all: Int = 0) { self.init(top: all, left: all, bottom: all, right: all) }

  /// TensorFlow's and JAX's `SAME`: as many windows as strides fit into the image, the padding
  /// divided evenly, the larger half below and to the right.
  public static func same(height: Int, width: Int, size: Int, stride: Int) -> Padding {
    func total(_ extent: Int) -> Int {
      max(((extent + stride - 1) / stride - 1) * stride + size - extent, 0)
    }
    let (rows, columns) = (total(height), total(width))
    return Padding(
      top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2)
  }

  /// The order in which attributes list the sides.
  var list: [Int] { [top, left, bottom, right] }

  /// Reads the attribute `padding`, none by default.
  init(reading attributes: inout Attributes) throws(Diagnostic) {
    self.init()
    guard attributes.value("padding") != nil else { return }
    let list = try attributes.integers("padding")
    guard list.count == 4 else {
      throw Diagnostic(
        "attribute 'padding' has \(list.count) numbers, expected [top, left, bottom, right]")
    }
    self.init(top: list[0], left: list[1], bottom: list[2], right: list[3])
  }
}

/// The windows that a convolution or a pooling looks at: their number, and the pixels in each.
///
/// The window in row `i`, column `j` of the result has its upper left corner at row
/// `i * stride - padding.top`, column `j * stride - padding.left` of the image.
public struct Windows: Hashable, Sendable {
  /// The image's extents in pixels.
  public var height: Int
  /// The image's extents in pixels.
  public var width: Int
  /// A window's extents in pixels.
  public var kernelHeight: Int
  /// A window's extents in pixels.
  public var kernelWidth: Int
  /// Pixels from one window to the next.
  public var stride: Int
  /// What the image is widened by.
  public var padding: Padding

  /// Creates the windows of an image.
  public init(
    height: Int, width: Int, kernelHeight: Int, kernelWidth: Int, stride: Int, padding: Padding
  ) {
    self.height = height
    self.width = width
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    self.stride = stride
    self.padding = padding
  }

  /// The number of rows of windows.
  public var rows: Int { (height + padding.top + padding.bottom - kernelHeight) / stride + 1 }
  /// The number of windows in a row.
  public var columns: Int { (width + padding.left + padding.right - kernelWidth) / stride + 1 }
  /// The number of windows.
  public var count: Int { rows * columns }

  /// What is wrong with stride and padding, or `nil`: every window must see a pixel of the image.
  var attributeProblem: String? {
    guard stride >= 1 else { return "stride: expected at least 1, found \(stride)" }
    let limits = [kernelHeight, kernelWidth, kernelHeight, kernelWidth]
    for (found, limit) in zip(padding.list, limits) where found < 0 || found >= limit {
      return "padding: expected 0 to \(limit - 1), found \(found)"
    }
    return nil
  }

  /// `true` iff there is a window.
  var isAny: Bool {
    height + padding.top + padding.bottom >= kernelHeight
      && width + padding.left + padding.right >= kernelWidth
  }

  /// Calls `body` for each tap of the window `index` that lies in the image: row and column of the
  /// tap, and the index of the pixel.
  func forEachTap(_ index: Int, _ body: (_ u: Int, _ v: Int, _ pixel: Int) -> Void) {
    let top = index / columns * stride - padding.top
    let left = index % columns * stride - padding.left
    for u in max(0, -top)..<min(kernelHeight, height - top) {
      for v in max(0, -left)..<min(kernelWidth, width - left) {
        body(u, v, (top + u) * width + left + v)
      }
    }
  }
}
