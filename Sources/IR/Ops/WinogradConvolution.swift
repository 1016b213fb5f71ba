import Diagnostics

/// A 3x3 convolution of stride 1 in Winograd's way, with everything around it that `convolution`
/// has: normalization of its input before; bias, residual and the moments of its result after.
///
/// The result is that of `convolution` with `kernel = [3, 3]`, `stride = 1`,
/// `padding = [1, 1, 1, 1]` and the weight that `winograd_weight` made the panels from, up to
/// rounding: with a tile of 2 its error is about one and a half times that of the plain sums, with
/// a tile of 4 about six times.
///
/// Operands: `x: [pixels, channels]`, row by row; `weight: [panels, frequencies, channels, 32]` as
/// `winograd_weight` makes it, 16 frequencies for a tile of 2 and 36 for one of 4; then
/// `factors: [2, channels]`, `bias: [out]` and `residual: [pixels, out]` as the attributes
/// `normalized`, `bias` and `residual` say.
/// Attributes: `width` of the image; `columns`: `out`; `normalized`, `bias`, `residual`, default
/// false; `activation`, default none, of the normalized input; `chunk`, default none: the rows of a
/// chunk of the moments, which stand below the pixels; `part`, as `convolution` has it.
///
/// - C1: `x` has rank 2 and whole rows of pixels.
/// - C2: `weight` packs `columns` outputs of the channels of `x` for a tile of 2 or 4.
/// - C3: `factors` have shape `[2, channels]`; without them there is no `activation`.
/// - C4: `bias` has shape `[out]`.
/// - C5: `residual` has a row for each pixel and `out` columns.
/// - C6: `chunk` is all pixels, or a multiple of `tile * width` below that.
/// - C7: as many operands stand as the attributes say.
/// - C8: `part` is at least 1.
///
/// Reference: Lavin and Gray 2015, arXiv:1509.09308.
public struct WinogradConvolution: OpDefinition {
  /// The width of the image in pixels.
  public var width: Int
  /// The number of output channels.
  public var columns: Int
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

  /// Creates a convolution.
  public init(
    width: Int, columns: Int, isNormalized: Bool = false, activation: ActivationFunction? = nil,
    hasBias: Bool = false, hasResidual: Bool = false, chunk: Int? = nil, part: Int? = nil
  ) {
    self.width = width
    self.columns = columns
    self.isNormalized = isNormalized
    self.activation = activation
    self.hasBias = hasBias
    self.hasResidual = hasResidual
    self.chunk = chunk
    self.part = part
  }

  /// The position of the factors among the operands.
  public var factorsIndex: Int? { isNormalized ? 2 : nil }
  /// The position of the bias among the operands.
  public var biasIndex: Int? { hasBias ? 2 + (isNormalized ? 1 : 0) : nil }
  /// The position of the residual among the operands.
  public var residualIndex: Int? {
    hasResidual ? 2 + (isNormalized ? 1 : 0) + (hasBias ? 1 : 0) : nil
  }

  /// The tile that a packed weight is for, if it is one.
  public static func tile(of weight: TensorType) -> WinogradTile? {
    guard weight.rank == 4 else { return nil }
    return WinogradTile.allCases.first { $0.frequencies == weight.shape[1] }
  }

  static let mnemonic = "winograd_convolution"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 2...5
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // One multiply-add for each frequency, tile and pair of channels. No member of a stream:
    // moments below the pixels do not change as these do.
    let (pixels, channels) = (operands[0].shape[0], operands[0].shape[1])
    let tile = WinogradConvolution.tile(of: operands[1]) ?? .two
    let tiles = tile.count(height: pixels / width, width: width)
    return OpFacts(
      inPlace: residualIndex.map { [$0] } ?? [], rows: .all, addends: [], norm: nil, absorbs: [],
      spread: .any, carriesBF16: false,
      work: Work(
        flops: 2 * tile.frequencies * tiles * channels * columns, element: operands[1].element,
        panels: 1))
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("width", .integer(width))
    list.set("columns", .integer(columns))
    if isNormalized { list.set("normalized", .boolean(true)) }
    if let activation { list.set("activation", .text(activation.rawValue)) }
    if hasBias { list.set("bias", .boolean(true)) }
    if hasResidual { list.set("residual", .boolean(true)) }
    if let chunk { list.set("chunk", .integer(chunk)) }
    if let part { list.set("part", .integer(part)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    width = try attributes.integer("width")
    columns = try attributes.integer("columns")
    isNormalized = try attributes.boolean("normalized")
    activation = attributes.value("activation") == nil ? nil : try attributes.choice("activation")
    hasBias = try attributes.boolean("bias")
    hasResidual = try attributes.boolean("residual")
    chunk = attributes.value("chunk") == nil ? nil : try attributes.integer("chunk")
    part = attributes.value("part") == nil ? nil : try attributes.integer("part")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let expected = 2 + (isNormalized ? 1 : 0) + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0)
    try require(
      "C7", operands.count == expected,
      "operands: expected \(expected) by the attributes, found \(operands.count)")
    try requireRank("C1", "x", operands[0], 2)
    let (pixels, channels) = (operands[0].shape[0], operands[0].shape[1])
    try require(
      "C1", width > 0 && pixels % width == 0,
      "x: \(operands[0]) has no whole rows of \(width) pixels")
    try requireRank("C2", "weight", operands[1], 4)
    let weight = operands[1].shape
    guard let tile = WinogradConvolution.tile(of: operands[1]), weight[2] == channels,
      columns > 0, weight[0] == (columns - 1) / weight[3] + 1
    else {
      throw violation(
        "C2",
        "weight: \(operands[1]) does not pack \(columns) outputs of \(channels) channels at 16 or "
          + "36 frequencies")
    }
    if let index = factorsIndex {
      try requireType("C3", "factors", operands[index], .f32(2, channels))
    } else {
      try require("C3", activation == nil, "activation: stands without factors")
    }
    if let index = biasIndex { try requireType("C4", "bias", operands[index], .f32(columns)) }
    if let index = residualIndex {
      try requireType("C5", "residual", operands[index], .f32(pixels, columns))
    }
    try require("C8", part ?? 1 > 0, "part: expected at least 1, found \(part ?? 1)")
    guard let chunk else { return .f32(pixels, columns) }
    try require(
      "C6",
      chunk == pixels
        || chunk > 0 && chunk < pixels && chunk % tile.rawValue == 0
          && chunk / tile.rawValue % width == 0,
      "chunk: expected \(pixels), or a multiple of \(tile.rawValue) * \(width) below, found "
        + "\(chunk)")
    return .f32(pixels + 2 * Moments.chunks(rows: pixels, chunk: chunk), columns)
  }
  func evaluate(_ operands: [Tensor]) -> Tensor {
    // The type check has let no other weight pass.
    let tile = WinogradConvolution.tile(of: operands[1].type) ?? .two
    let weight = WinogradWeight.unpack(operands[1], tile: tile, columns: columns)
    let plain = Convolution(
      width: width, kernel: [3, 3], padding: Padding(1), isNormalized: isNormalized,
      activation: activation, hasBias: hasBias, hasResidual: hasResidual, chunk: chunk)
    return plain.evaluate([operands[0], weight] + operands.dropFirst(2))
  }
}
