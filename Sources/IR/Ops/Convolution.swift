import Diagnostics

/// A convolution with everything around it: normalization of its input before; bias, residual and
/// the moments of its result after.
///
/// `y[i * columns + j, o] = bias[o] + residual[i * columns + j, o] + sum_{u,v,c}
/// weight[o, c, u, v] * a[i * stride + u - top, j * stride + v - left, c]`, where
/// `a = activation(x * factors[0] + factors[1])` (`x` itself without factors) within the image, and
/// 0 outside. With `chunk`, the moments of these rows stand below them, as `moments` makes them:
/// the result has `pixels + 2 * chunks` rows, and slices of it are the pixels and the moments.
///
/// With a weight of bf16, `a` is rounded to bf16 as well.
///
/// Operands: `x: [pixels, channels]` row by row, or the planar image `[channels, height, width]`;
/// `weight: [out, channels, kh, kw]`, or packed panels `[panels, kh * kw * channels, 32]`, of bf16
/// `[panels, kh * kw * channels / 2, 32, 2]`; then
/// `factors: [2, channels]`, `bias: [out]` and `residual: [pixels of the result, out]` as the
/// attributes `normalized`, `bias` and `residual` say. The depth of a packed weight runs over
/// `(u, v, c)`, for a planar image over `(c, u, v)`.
/// Attributes: `width`, of the image, unless it is planar; `kernel = [kh, kw]`; `stride`, default
/// 1; `padding = [top, left, bottom, right]`, default none; `normalized`, `bias`, `residual`,
/// default false; `activation`, default none, of the normalized input; `chunk`, default none;
/// `part`, default the kernels' own: the most words of 32 bits in a chain of additions, which grows
/// the error; sums of more are sums of parts; `columns`: `out`, for a packed weight.
///
/// - C1: `x` has rank 3, or rank 2 and `width` divides its rows.
/// - C2: `kernel` is two extents of 1 to 1024; `stride` is at least 1; a padding is at least 0 and
///   smaller than the kernel; the widened image holds the kernel.
/// - C3: `weight` has rank 4 and shape `[_, channels, kh, kw]`, or is packed with `columns` given.
/// - C4: `factors` have shape `[2, channels]`; with them `x` has rank 2; without them there is no
///   `activation`.
/// - C5: `bias` has shape `[out]`.
/// - C6: `residual` has a row for each pixel of the result and `out` columns.
/// - C7: `chunk` is in `1...pixels`.
/// - C8: as many operands stand as the attributes say.
/// - C9: a weight of bf16 stands for an even number of channels and an `x` of rank 2.
/// - C10: `part` is at least 1.
public struct Convolution: OpDefinition {
  /// The width of the image in pixels; `nil`: the image is planar.
  public var width: Int?
  /// The extents of the window, `[height, width]`.
  public var kernel: [Int]
  /// How far the window moves at a time.
  public var stride: Int
  /// The zeros around the image.
  public var padding: Padding
  /// `true` iff a factors operand stands.
  public var isNormalized: Bool
  /// Applied to the normalized input; `nil`: none.
  public var activation: ActivationFunction?
  /// `true` iff a bias operand stands.
  public var hasBias: Bool
  /// `true` iff a residual operand stands, last.
  public var hasResidual: Bool
  /// The rows of a chunk of the moments; `nil`: there are none.
  public var chunk: Int?
  /// The most words in a chain of additions; `nil`: as many as the kernels take by themselves.
  public var part: Int?
  /// The number of output channels of a packed weight; `nil`: the weight is not packed.
  public var columns: Int?

  /// Creates a convolution.
  public init(
    width: Int?, kernel: [Int], stride: Int = 1, padding: Padding = Padding(),
    isNormalized: Bool = false, activation: ActivationFunction? = nil, hasBias: Bool = false,
    hasResidual: Bool = false, chunk: Int? = nil, part: Int? = nil, columns: Int? = nil
  ) {
    self.width = width
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.isNormalized = isNormalized
    self.activation = activation
    self.hasBias = hasBias
    self.hasResidual = hasResidual
    self.chunk = chunk
    self.part = part
    self.columns = columns
  }

  /// The position of the factors among the operands.
  public var factorsIndex: Int? { isNormalized ? 2 : nil }
  /// The position of the bias among the operands.
  public var biasIndex: Int? { hasBias ? 2 + (isNormalized ? 1 : 0) : nil }
  /// The position of the residual among the operands.
  public var residualIndex: Int? {
    hasResidual ? 2 + (isNormalized ? 1 : 0) + (hasBias ? 1 : 0) : nil
  }

  /// The windows of an image of type `x`, for which the constraints hold.
  public func windows(of x: TensorType) -> Windows {
    Windows(
      height: width.map { x.shape[0] / $0 } ?? x.shape[1], width: width ?? x.shape[2],
      kernelHeight: kernel[0], kernelWidth: kernel[1], stride: stride, padding: padding)
  }

  /// The channels of an image of type `x`.
  public func channels(of x: TensorType) -> Int { width == nil ? x.shape[0] : x.shape[1] }

  /// The length of the sum for each element of the result.
  public func depth(of x: TensorType) -> Int { kernel[0] * kernel[1] * channels(of: x) }

  static let mnemonic = "convolution"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 2...5
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // No member of a stream: moments below the pixels do not change as these do.
    let outputs = columns ?? operands[1].shape[0]
    return OpFacts(
      inPlace: residualIndex.map { [$0] } ?? [], rows: .all, addends: [], norm: nil, absorbs: [],
      spread: .any, carriesBF16: false,
      work: Work(
        flops: 2 * windows(of: operands[0]).count * outputs * depth(of: operands[0]),
        element: operands[1].element, panels: 1))
  }
  var attributes: Attributes {
    var list = Attributes()
    if let width { list.set("width", .integer(width)) }
    list.set("kernel", .integers(kernel))
    if stride != 1 { list.set("stride", .integer(stride)) }
    if padding != Padding() { list.set("padding", .integers(padding.list)) }
    if isNormalized { list.set("normalized", .boolean(true)) }
    if let activation { list.set("activation", .text(activation.rawValue)) }
    if hasBias { list.set("bias", .boolean(true)) }
    if hasResidual { list.set("residual", .boolean(true)) }
    if let chunk { list.set("chunk", .integer(chunk)) }
    if let part { list.set("part", .integer(part)) }
    if let columns { list.set("columns", .integer(columns)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    width = attributes.value("width") == nil ? nil : try attributes.integer("width")
    kernel = try attributes.integers("kernel")
    stride = try attributes.integer("stride", default: 1)
    padding = try Padding(reading: &attributes)
    isNormalized = try attributes.boolean("normalized")
    activation = attributes.value("activation") == nil ? nil : try attributes.choice("activation")
    hasBias = try attributes.boolean("bias")
    hasResidual = try attributes.boolean("residual")
    chunk = attributes.value("chunk") == nil ? nil : try attributes.integer("chunk")
    part = attributes.value("part") == nil ? nil : try attributes.integer("part")
    columns = attributes.value("columns") == nil ? nil : try attributes.integer("columns")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let expected = 2 + (isNormalized ? 1 : 0) + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0)
    try require(
      "C8", operands.count == expected,
      "operands: expected \(expected) by the attributes, found \(operands.count)")
    let x = operands[0]
    let pixels = try checkedWindows(x).count
    let out = try outputs(of: operands[1], x)
    try require(
      "C9", operands[1].element == .f32 || width != nil && channels(of: x) % 2 == 0,
      "weight: \(operands[1]) for an image \(x)"
        + (width == nil ? ", which is planar" : " of an odd number of channels"))
    if let index = factorsIndex {
      try require("C4", x.rank == 2, "factors: expected x of rank 2, found \(x)")
      try requireType("C4", "factors", operands[index], .f32(2, channels(of: x)))
    } else {
      try require("C4", activation == nil, "activation: stands without factors")
    }
    if let index = biasIndex { try requireType("C5", "bias", operands[index], .f32(out)) }
    if let index = residualIndex {
      try requireType("C6", "residual", operands[index], .f32(pixels, out))
    }
    try require("C10", part ?? 1 > 0, "part: expected at least 1, found \(part ?? 1)")
    guard let chunk else { return .f32(pixels, out) }
    try require(
      "C7", chunk > 0 && chunk <= pixels, "chunk: expected 1 to \(pixels), found \(chunk)")
    return .f32(pixels + 2 * Moments.chunks(rows: pixels, chunk: chunk), out)
  }

  private func checkedWindows(_ x: TensorType) throws(Diagnostic) -> Windows {
    if let width {
      try requireRank("C1", "x", x, 2)
      try require(
        "C1", width > 0 && x.shape[0] % width == 0, "x: \(x) holds no image of width \(width)")
    } else {
      try requireRank("C1", "x", x, 3)
    }
    // Far beyond every network, and no product of extents leaves the integers.
    let limit = 1 << 10
    try require(
      "C2", kernel.count == 2 && kernel.allSatisfy { $0 > 0 && $0 <= limit },
      "kernel: expected two extents of 1 to \(limit), found \(kernel)")
    let windows = windows(of: x)
    if let problem = windows.attributeProblem { throw violation("C2", problem) }
    try require(
      "C2", windows.isAny,
      "the image of \(windows.height)x\(windows.width) pixels is smaller than the kernel of "
        + "\(kernel[0])x\(kernel[1])")
    return windows
  }

  private func outputs(of weight: TensorType, _ x: TensorType) throws(Diagnostic) -> Int {
    if let columns {
      let isPacked =
        switch weight.element {
        case .f32: weight.rank == 3 && weight.shape[1] == depth(of: x)
        case .bf16:
          weight.rank == 4 && weight.shape[3] == 2 && weight.shape[1] == (depth(of: x) + 1) / 2
        case .s8: false
        }
      try require(
        "C3", isPacked && columns > 0 && weight.shape[0] == (columns - 1) / weight.shape[2] + 1,
        "weight: \(weight) does not pack \(columns) sums of \(depth(of: x)) products")
      return columns
    }
    try requireFloats("C3", "weight", weight, 4)
    try require(
      "C3", Array(weight.shape[1...]) == [channels(of: x)] + kernel,
      "weight: expected [_,\(channels(of: x)),\(kernel[0]),\(kernel[1])], found \(weight)")
    return weight.shape[0]
  }

  func evaluate(_ operands: [Tensor]) -> Tensor {
    evaluate(operands) { Linear().evaluate($0) }
  }

  /// Evaluates with `linear` for the products: what `linear` makes of patches, weight and, if there
  /// is one, bias.
  public func evaluate(_ operands: [Tensor], linear: ([Tensor]) -> Tensor) -> Tensor {
    let x = operands[0].type
    let rows: Tensor
    if let columns {
      rows = Pack.unpack(operands[1], columns: columns, depth: depth(of: x))
    } else if width == nil {
      rows = Tensor(shape: [operands[1].shape[0], depth(of: x)], values: operands[1].values)
    } else {
      rows = Pack.channelsLast(operands[1])
    }
    let image = input(operands)
    let patches = patches(operands[1].element == .bf16 ? image.rounded(to: .bf16) : image)
    var y = linear([patches, rows] + (biasIndex.map { [operands[$0]] } ?? []))
    if let index = residualIndex { y = Add().evaluate([y, operands[index]]) }
    guard let chunk else { return y }
    return Concatenate().evaluate([y, Moments(chunk: chunk).evaluate([y])])
  }

  /// The image that the windows see.
  private func input(_ operands: [Tensor]) -> Tensor {
    guard let index = factorsIndex else { return operands[0] }
    return Normalize(activation: activation).evaluate([operands[0], operands[index]])
  }

  /// The elements that each pixel of the result is a sum over, as its row, in the order of a packed
  /// weight's depth.
  private func patches(_ x: Tensor) -> Tensor {
    let (windows, channels, depth) = (
      windows(of: x.type), channels(of: x.type), depth(of: x.type)
    )
    let pixels = windows.height * windows.width
    var result = Tensor(shape: [windows.count, depth])
    for index in 0..<windows.count {
      windows.forEachTap(index) { u, v, pixel in
        let tap = u * kernel[1] + v
        for c in 0..<channels {
          let from = width == nil ? c * pixels + pixel : pixel * channels + c
          let to = width == nil ? c * kernel[0] * kernel[1] + tap : tap * channels + c
          result.values[index * depth + to] = x.values[from]
        }
      }
    }
    return result
  }
}
