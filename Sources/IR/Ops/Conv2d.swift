import Diagnostics

/// Convolves an image with filters.
///
/// `y[i * columns + j, o] = bias[o] + sum_{c,u,v} weight[o, c, u, v] * x[c, i', j']`, where
/// `i' = i * stride + u - top` and `j' = j * stride + v - left`; pixels outside of the image are
/// zero. (As everywhere in deep learning, this is a correlation.)
///
/// Operands: `x`, either the planar image `[channels, height, width]`, or one row for each pixel,
/// `[height * width, channels]` in row-major order of the image, whose width the attribute `width`
/// says; `weight: [out, channels, kernelHeight, kernelWidth]`; optionally `bias: [out]`.
/// Result: `[rows * columns, out]`, one row for each window, where
/// `rows = (height + top + bottom - kernelHeight) / stride + 1`, and likewise `columns`.
/// Attributes: `width` in pixels; `stride` in pixels, 1 by default; `padding`, the pixels
/// `[top, left, bottom, right]` that the image is widened by, none by default.
///
/// - C1: `x` has rank 3 and there is no `width`, or rank 2 and `width` divides its rows.
/// - C2: `weight` has rank 4 and the channels of `x`.
/// - C3: `bias` has shape `[out]`.
/// - C4: `stride` is at least 1; a padding is at least 0 and smaller than the kernel.
/// - C5: the widened image holds the kernel.
///
/// Reference: LeCun et al. 1989, doi:10.1162/neco.1989.1.4.541.
public struct Conv2d: OpDefinition {
  /// The width of the image in pixels where `x` is a matrix; `nil` where it is a planar image.
  public var width: Int?
  /// Pixels from one window to the next.
  public var stride: Int
  /// What the image is widened by.
  public var padding: Padding

  /// Creates a convolution.
  public init(width: Int? = nil, stride: Int = 1, padding: Padding = Padding()) {
    self.width = width
    self.stride = stride
    self.padding = padding
  }

  static let mnemonic = "conv2d"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...3
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    let windows = windows(of: operands[0].shape, weight: operands[1].shape)
    return OpFacts(
      inPlace: [], rows: .all, addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false,
      work: Work(
        flops: 2 * windows.count * operands[1].count, element: operands[1].element, panels: nil))
  }
  var attributes: Attributes {
    var list = Attributes()
    if let width { list.set("width", .integer(width)) }
    if stride != 1 { list.set("stride", .integer(stride)) }
    if padding != Padding() { list.set("padding", .integers(padding.list)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    width = attributes.value("width") == nil ? nil : try attributes.integer("width")
    stride = try attributes.integer("stride", default: 1)
    padding = try Padding(reading: &attributes)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let x = operands[0].shape
    if let width {
      try requireRank("C1", "x", operands[0], 2)
      try require(
        "C1", width > 0 && x[0] % width == 0,
        "x: \(operands[0]) holds no image of width \(width)")
    } else {
      try require(
        "C1", x.count == 3 && operands[0].element == .f32,
        "x: expected f32 of rank 3, or the attribute 'width', found \(operands[0])")
    }
    try requireRank("C2", "weight", operands[1], 4)
    let (weight, channels) = (operands[1].shape, width == nil ? x[0] : x[1])
    try require(
      "C2", weight[1] == channels, "weight: expected [_,\(channels),_,_], found \(operands[1])")
    if operands.count > 2 { try requireType("C3", "bias", operands[2], .f32(weight[0])) }
    let windows = windows(of: x, weight: weight)
    if let problem = windows.attributeProblem { throw violation("C4", problem) }
    try require(
      "C5", windows.isAny,
      "the image of \(windows.height)x\(windows.width) pixels is smaller than the kernel of "
        + "\(weight[2])x\(weight[3])")
    return .f32(windows.count, weight[0])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let weight = operands[1]
    let rows = DenseTensor<S>(
      shape: [weight.shape[0], weight.shape.dropFirst().reduce(1, *)], values: weight.values)
    return Linear().evaluate([unfolded(operands), rows] + operands.dropFirst(2))
  }

  /// The windows of an image of this shape under a weight of this shape.
  public func windows(of x: [Int], weight: [Int]) -> Windows {
    Windows(
      height: width.map { x[0] / $0 } ?? x[1], width: width ?? x[2], kernelHeight: weight[2],
      kernelWidth: weight[3], stride: stride, padding: padding)
  }

  /// Returns one row for each window, its elements in the order of a filter's.
  public func unfolded<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, weight) = (operands[0], operands[1].shape)
    let windows = windows(of: x.shape, weight: weight)
    let (channels, taps) = (weight[1], weight[2] * weight[3])
    let (pixelStep, channelStep) = width == nil ? (1, x.shape[1] * x.shape[2]) : (channels, 1)
    var result = DenseTensor<S>(shape: [windows.count, channels * taps])
    result.values.withUnsafeMutableBufferPointer { y in
      x.values.withUnsafeBufferPointer { x in
        for index in 0..<windows.count {
          windows.forEachTap(index) { u, v, pixel in
            let start = index * channels * taps + u * weight[3] + v
            for c in 0..<channels {
              y[start + c * taps] = x[pixel * pixelStep + c * channelStep]
            }
          }
        }
      }
    }
    return result
  }
}
