import Diagnostics

/// A convolution with everything around it: normalization of its input before; bias, residual and
/// the moments of its result after.
///
/// `y[i * columns + j, o] = bias[o] + residual[i * columns + j, o] + sum_{u,v,c}
/// weight[o, c, u, v] * a[i * stride + u - top, j * stride + v - left, c]`, where
/// `a = input_activation(x * s[0] + s[1])` with a scale and shift `s` (`x` itself without) within
/// the image, and 0 outside. With `chunk`, there is a second result, the moments of `y`, as
/// `moments` makes them.
///
/// With a weight of bf16, `a` is rounded to bf16 as well. With the algorithm `winograd2` or
/// `winograd4` the result is the same up to rounding: with a tile of 2 its error is about one and a
/// half times that of the plain sums, with a tile of 4 about six times.
///
/// Operands: `x: [pixels, channels]` row by row, or the planar image `[channels, height, width]`;
/// `weight: [out, channels, kh, kw]`, or packed panels `[panels, kh * kw * channels, 32]`, of bf16
/// `[panels, kh * kw * channels / 2, 32, 2]`, for Winograd's way `[panels, frequencies, channels,
/// 32]` as `winograd_weight` makes them; then `s: [2, channels]`, `bias: [out]` and
/// `residual: [pixels of the result, out]` as the attributes `normalized`, `bias` and `residual`
/// say. The depth of a packed weight runs over `(u, v, c)`, for a planar image over `(c, u, v)`.
/// Results: `y: [pixels of the result, out]`; with `chunk`, also `moments: [2 * chunks, out]`.
/// Attributes: `width`, of the image, unless it is planar; `kernel = [kh, kw]`; `stride`, default
/// 1; `padding = [top, left, bottom, right]`, default none; `normalized`, `bias`, `residual`,
/// default false; `input_activation`, default none, of the normalized input; `chunk`, default none;
/// `algorithm`, default `direct`; `sum_block`, default the kernels' own: the most words of 32 bits
/// in a chain of additions, which grows the error; `columns`: `out`, for a packed weight.
///
/// - C1: `x` has rank 3, or rank 2 and `width` divides its rows.
/// - C2: `kernel` is two extents of 1 to 1024; `stride` is at least 1; a padding is at least 0 and
///   smaller than the kernel; the widened image holds the kernel.
/// - C3: `weight` has rank 4 and shape `[_, channels, kh, kw]`, or is packed with `columns` given.
/// - C4: the scale and shift have shape `[2, channels]`; with them `x` has rank 2; without them
///   there is no `input_activation`.
/// - C5: `bias` has shape `[out]`.
/// - C6: `residual` has a row for each pixel of the result and `out` columns.
/// - C7: `chunk` is in `1...pixels`; in Winograd's way it is all pixels, or a multiple of
///   `tile * width` below that.
/// - C8: there are as many operands as the attributes say.
/// - C9: a weight of bf16 requires an even number of channels and an `x` of rank 2.
/// - C10: `sum_block` is at least 1.
/// - C11: Winograd's way is for a kernel of 3x3, stride 1, padding 1 and an `x` of rank 2, with a
///   weight packed for the same tile; `strassen` is for fused linear layers.
/// - C12: there is no `epsilon`, `hadamard_size`, `activation` or `result`: pixels are normalized
///   by channels, and results are f32 as they are summed up.
///
/// Reference: Lavin and Gray 2015, arXiv:1509.09308, for Winograd's way.
public struct Convolution: OpDefinition {
  /// The width of the image in pixels; `nil`: the image is planar.
  public var width: Int?
  /// The extents of the window, `[height, width]`.
  public var kernel: [Int]
  /// How far the window moves at a time.
  public var stride: Int
  /// The zeros around the image.
  public var padding: Padding
  /// What is done to the image before.
  public var prologue: Prologue
  /// What is done to the sums after.
  public var epilogue: Epilogue
  /// The rows of a chunk of the moments; `nil`: there are none.
  public var chunk: Int?
  /// How the matmul is computed.
  public var algorithm: Algorithm
  /// How sums are divided.
  public var summation: Summation
  /// The number of output channels of a packed weight; `nil`: the weight is not packed.
  public var columns: Int?

  /// Creates a convolution.
  public init(
    width: Int?, kernel: [Int], stride: Int = 1, padding: Padding = Padding(),
    prologue: Prologue = Prologue(), epilogue: Epilogue = Epilogue(), chunk: Int? = nil,
    algorithm: Algorithm = .direct, summation: Summation = Summation(), columns: Int? = nil
  ) {
    self.width = width
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.prologue = prologue
    self.epilogue = epilogue
    self.chunk = chunk
    self.algorithm = algorithm
    self.summation = summation
    self.columns = columns
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
  var roles: [OperandRole] { [.input, .weight] + prologue.roles + epilogue.roles }
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // No member of a stream: moments do not change as the pixels do.
    let windows = windows(of: operands[0])
    let outputs = columns ?? operands[1].shape[0]
    let products: Int
    if case .winograd(let tile) = algorithm {
      // One multiply-add for each frequency, tile and pair of channels.
      products =
        tile.frequencies * tile.count(height: windows.height, width: windows.width)
        * channels(of: operands[0])
    } else {
      products = windows.count * depth(of: operands[0])
    }
    return OpFacts(
      inPlace: roles.firstIndex(of: .residual).map { [$0] } ?? [], rows: .all, addends: [],
      norm: nil, absorbs: [], spread: .any, carriesBF16: false,
      work: Work(flops: 2 * products * outputs, element: operands[1].element, panels: 1))
  }
  var attributes: Attributes {
    var list = Attributes()
    if let width { list.set("width", .integer(width)) }
    list.set("kernel", .integers(kernel))
    if stride != 1 { list.set("stride", .integer(stride)) }
    if padding != Padding() { list.set("padding", .integers(padding.list)) }
    prologue.write(to: &list)
    epilogue.write(to: &list)
    if let chunk { list.set("chunk", .integer(chunk)) }
    algorithm.write(to: &list)
    summation.write(to: &list)
    if let columns { list.set("columns", .integer(columns)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    width = try attributes.optionalInteger("width")
    kernel = try attributes.integers("kernel")
    stride = try attributes.integer("stride", default: 1)
    padding = try Padding(reading: &attributes)
    prologue = try Prologue(reading: &attributes)
    epilogue = try Epilogue(reading: &attributes)
    chunk = try attributes.optionalInteger("chunk")
    algorithm = try Algorithm(reading: &attributes)
    summation = try Summation(reading: &attributes)
    columns = try attributes.optionalInteger("columns")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireOperands("C8", operands)
    try require(
      "C12",
      prologue.epsilon == nil && prologue.hadamardSize == nil && epilogue.activation == nil
        && epilogue.result == .f32,
      "epsilon, hadamard_size, activation and result are for fused linear layers")
    let x = operands[0]
    let pixels = try checkedWindows(x).count
    try requireAlgorithm()
    let out = try outputs(of: operands[1], x)
    try require(
      "C9", operands[1].element == .f32 || width != nil && channels(of: x) % 2 == 0,
      "weight: \(operands[1]) for an image \(x)"
        + (width == nil ? ", which is planar" : " of an odd number of channels"))
    if let scale = operand(.scaleShift, of: operands) {
      try require("C4", x.rank == 2, "scale and shift: expected x of rank 2, found \(x)")
      try requireType("C4", "scale and shift", scale, .f32(2, channels(of: x)))
    } else {
      try require(
        "C4", prologue.activation == nil, "input_activation: needs scale and shift")
    }
    if let bias = operand(.bias, of: operands) { try requireType("C5", "bias", bias, .f32(out)) }
    if let residual = operand(.residual, of: operands) {
      try requireType("C6", "residual", residual, .f32(pixels, out))
    }
    if let problem = summation.problem { throw violation("C10", problem) }
    return .f32(pixels, out)
  }
  var furtherResults: [String] { chunk == nil ? [] : ["moments"] }
  func resultTypes(of operands: [TensorType]) throws(Diagnostic) -> [TensorType] {
    let result = try resultType(of: operands)
    guard let chunk else { return [result] }
    let pixels = result.shape[0]
    try require(
      "C7", chunk > 0 && chunk <= pixels, "chunk: expected 1 to \(pixels), found \(chunk)")
    if case .winograd(let tile) = algorithm, let width, chunk < pixels {
      try require(
        "C7", chunk % tile.rawValue == 0 && chunk / tile.rawValue % width == 0,
        "chunk: expected \(pixels), or a multiple of \(tile.rawValue) * \(width) below, found "
          + "\(chunk)")
    }
    return [result, .f32(2 * Moments.chunks(rows: pixels, chunk: chunk), result.shape[1])]
  }

  private func requireAlgorithm() throws(Diagnostic) {
    switch algorithm {
    case .direct: break
    case .strassen: throw violation("C11", "algorithm: 'strassen' is for fused linear layers")
    case .winograd:
      try require(
        "C11",
        width != nil && kernel == [3, 3] && stride == 1 && padding == Padding(1)
          && columns != nil,
        "algorithm: '\(algorithm.word)' is for packed kernels of 3x3, stride 1 and padding 1 over "
          + "rows of pixels")
    }
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
    guard let columns else {
      try requireFloats("C3", "weight", weight, 4)
      try require(
        "C3", Array(weight.shape[1...]) == [channels(of: x)] + kernel,
        "weight: expected [_,\(channels(of: x)),\(kernel[0]),\(kernel[1])], found \(weight)")
      return weight.shape[0]
    }
    if case .winograd(let tile) = algorithm {
      try require(
        "C11",
        weight.element == .f32 && weight.rank == 4 && weight.shape[1] == tile.frequencies
          && weight.shape[2] == channels(of: x) && columns > 0
          && weight.shape[0] == (columns - 1) / weight.shape[3] + 1,
        "weight: \(weight) does not pack \(columns) outputs of \(channels(of: x)) channels at "
          + "\(tile.frequencies) frequencies")
      return columns
    }
    let group = weight.element.perGroup
    let isPacked =
      weight.element == .f32
      ? weight.rank == 3 && weight.shape[1] == depth(of: x)
      : weight.element.isNarrowFloat && weight.rank == 4 && weight.shape[3] == group
        && weight.shape[1] == (depth(of: x) - 1) / group + 1
    try require(
      "C3", isPacked && columns > 0 && weight.shape[0] == (columns - 1) / weight.shape[2] + 1,
      "weight: \(weight) does not pack \(columns) sums of \(depth(of: x)) products")
    return columns
  }

  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    evaluateAll(operands)[0]
  }
  func evaluateAll<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> [DenseTensor<S>] {
    evaluateAll(operands) { Linear().evaluate($0) }
  }

  /// Evaluates with `linear` for the products: what `linear` makes of patches, weight and, if there
  /// is one, bias.
  public func evaluateAll<S: TensorScalar>(
    _ operands: [DenseTensor<S>], linear: ([DenseTensor<S>]) -> DenseTensor<S>
  ) -> [DenseTensor<S>] {
    let image = input(operands)
    let type = operands[1].element
    let patches = patches(type.isNarrowFloat ? image.rounded(to: type) : image)
    let bias = operand(.bias, of: operands).map { [$0] } ?? []
    let sums = linear([patches, rows(of: operands[1], operands[0].type)] + bias)
    let y = epilogue.finish(sums, residual: operand(.residual, of: operands))
    return [y] + (chunk.map { [Moments(chunk: $0).evaluate([y])] } ?? [])
  }

  /// The weight with a row for each output, its columns in the order of a packed weight's depth.
  private func rows<S: TensorScalar>(of weight: DenseTensor<S>, _ x: TensorType) -> DenseTensor<S> {
    if let columns {
      if case .winograd(let tile) = algorithm {
        return Pack.channelsLast(WinogradWeight.unpack(weight, tile: tile, columns: columns))
      }
      return Pack.unpack(weight, columns: columns, depth: depth(of: x))
    }
    if width != nil { return Pack.channelsLast(weight) }
    return DenseTensor<S>(shape: [weight.shape[0], depth(of: x)], values: weight.values)
  }

  /// The image that the windows see.
  private func input<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    guard let scale = operand(.scaleShift, of: operands) else { return operands[0] }
    return Normalize(activation: prologue.activation).evaluate([operands[0], scale])
  }

  /// The elements that each pixel of the result is a sum over, as its row, in the order of a packed
  /// weight's depth.
  private func patches<S: TensorScalar>(_ x: DenseTensor<S>) -> DenseTensor<S> {
    let (windows, channels, depth) = (
      windows(of: x.type), channels(of: x.type), depth(of: x.type)
    )
    let pixels = windows.height * windows.width
    var result = DenseTensor<S>(shape: [windows.count, depth])
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
