/// A linear layer with everything around it: normalization of its rows before, bias, activation
/// and residual after.
///
/// `y[m, n] = activation(r_m * sum_k x[m, k] * weight[n, k] + bias[n]) + residual[m, n]`, where
/// `r_m = 1 / sqrt(mean_k x[m, k]^2 + epsilon)` with the attribute `epsilon`, else 1.
///
/// Operands: `x: [rows, in]`; `weight: [out, in]`, or packed panels `[panels, in, width]`; then
/// `bias: [out]` and `residual: [rows, out]` as the attributes `bias` and `residual` say.
/// Attributes: `epsilon`, default none: rows are used as they are; `activation`, default none;
/// `bias`, `residual`, default false; `columns`: `out`, for a packed weight. `strassen`, default
/// false: by one level of Strassen's algorithm, which changes the rounding only. The row scale is
/// what remains of a layer norm once its affine part is folded into the weight and the rows have
/// mean zero.
///
/// - C1: `x` has rank 2.
/// - C2: `weight` has rank 2, or rank 3 with `columns` given, and the columns of `x`.
/// - C3: `bias` has shape `[out]`.
/// - C4: `residual` has the shape of the result.
/// - C5: as many operands stand as the attributes say.
/// - C6: with `strassen`, the weight is packed, and ``StrassenShape`` allows the extents.
public struct Contraction: OpDefinition {
  /// The term added to the mean square of each row; `nil`: rows are not normalized.
  public var epsilon: Float?
  /// Applied after the bias; `nil`: none.
  public var activation: ActivationFunction?
  /// `true` iff a bias operand stands.
  public var hasBias: Bool
  /// `true` iff a residual operand stands, last.
  public var hasResidual: Bool
  /// The number of output columns of a packed weight; `nil`: the weight is not packed.
  public var columns: Int?
  /// `true` iff seven products of half the extents take the place of eight.
  public var usesStrassen: Bool

  /// Creates a contraction.
  public init(
    epsilon: Float? = nil, activation: ActivationFunction? = nil, hasBias: Bool = false,
    hasResidual: Bool = false, columns: Int? = nil, usesStrassen: Bool = false
  ) {
    self.epsilon = epsilon
    self.activation = activation
    self.hasBias = hasBias
    self.hasResidual = hasResidual
    self.columns = columns
    self.usesStrassen = usesStrassen
  }

  /// The position of the bias among the operands.
  public var biasIndex: Int? { hasBias ? 2 : nil }
  /// The position of the residual among the operands.
  public var residualIndex: Int? { hasResidual ? (hasBias ? 3 : 2) : nil }

  static let mnemonic = "contraction"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 2...4
  var attributes: Attributes {
    var list = Attributes()
    if let epsilon { list.set("epsilon", .number(epsilon)) }
    if let activation { list.set("activation", .text(activation.rawValue)) }
    if hasBias { list.set("bias", .boolean(true)) }
    if hasResidual { list.set("residual", .boolean(true)) }
    if let columns { list.set("columns", .integer(columns)) }
    if usesStrassen { list.set("strassen", .boolean(true)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    epsilon = try attributes.optionalNumber("epsilon")
    activation = attributes.value("activation") == nil ? nil : try attributes.choice("activation")
    hasBias = try attributes.boolean("bias")
    hasResidual = try attributes.boolean("residual")
    columns = attributes.value("columns") == nil ? nil : try attributes.integer("columns")
    usesStrassen = try attributes.boolean("strassen")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let expected = 2 + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0)
    try require(
      "C5", operands.count == expected,
      "operands: expected \(expected) by the attributes, found \(operands.count)")
    try requireRank("C1", "x", operands[0], 2)
    let (x, weight) = (operands[0].shape, operands[1].shape)
    let out: Int
    if let columns {
      try requireRank("C2", "packed weight", operands[1], 3)
      try require(
        "C2", weight[1] == x[1] && columns > 0 && weight[0] == (columns - 1) / weight[2] + 1,
        "weight: \(operands[1]) does not pack [\(columns),\(x[1])]")
      out = columns
    } else {
      try requireRank("C2", "weight", operands[1], 2)
      try require(
        "C2", weight[1] == x[1], "weight: expected [_,\(x[1])], found \(operands[1])")
      out = weight[0]
    }
    try require(
      "C6",
      !usesStrassen
        || (columns != nil && StrassenShape.allows(rows: x[0], columns: out, depth: x[1])),
      "strassen: expected a packed weight, columns that are a multiple of "
        + "\(2 * Pack.standardWidth) and a depth that is one of 32, found \(operands[1]) for "
        + "[\(x[0]),\(x[1])]")
    let result = TensorType.f32(x[0], out)
    if let index = biasIndex { try requireType("C3", "bias", operands[index], .f32(out)) }
    if let index = residualIndex { try requireType("C4", "residual", operands[index], result) }
    return result
  }
  func evaluate(_ operands: [Tensor]) -> Tensor {
    var x = operands[0]
    if let epsilon { x = Contraction.normalized(x, epsilon: epsilon) }
    let weight = columns.map { Pack.unpack(operands[1], columns: $0) } ?? operands[1]
    var y = Linear().evaluate([x, weight] + (biasIndex.map { [operands[$0]] } ?? []))
    if let activation { y = Activation(activation).evaluate([y]) }
    if let index = residualIndex { y = Add().evaluate([y, operands[index]]) }
    return y
  }

  /// Divides each row by the root of its mean square plus `epsilon`.
  public static func normalized(_ x: Tensor, epsilon: Float) -> Tensor {
    var x = x
    let dim = x.columns
    for start in stride(from: 0, to: x.values.count, by: dim) {
      let squares = x.values[start..<start + dim].reduce(0.0) { $0 + Double($1) * Double($1) }
      let factor = 1 / (squares / Double(dim) + Double(epsilon)).squareRoot()
      for d in 0..<dim { x.values[start + d] = Float(Double(x.values[start + d]) * factor) }
    }
    return x
  }
}
