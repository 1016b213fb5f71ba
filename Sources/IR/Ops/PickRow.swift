import Diagnostics

/// Takes the row of one token, which is found by its number.
///
/// `y[0, d] = x[t, d]`, where `t` is the first place at which `ids` is `token`, or 0 where it is
/// nowhere; without `token` the first place of the largest number. Operands: `x: [length, dim]`,
/// `ids: [length]` of `i32`. Attribute: `token`, by default none.
///
/// - C1: `x` is f32 of rank 2.
/// - C2: `ids` is i32 of rank 1, of as many tokens as `x` has rows.
///
/// Source: the pooling of transformers' `CLIPTextModel` and of OpenCLIP's `text_global_pool`.
public struct PickRow: OpDefinition {
  /// The token whose row is taken; `nil`: the largest.
  public var token: Int?

  /// Creates a choice.
  public init(token: Int? = nil) { self.token = token }

  static let mnemonic = "pick_row"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // A whole row of the first operand, but which one, the tokens say.
    OpFacts(
      inPlace: [], rows: .all, addends: [0], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    if let token { list.set("token", .integer(token)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    token = try attributes.optionalInteger("token")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    try requireType("C2", "ids", operands[1], TensorType(.i32, [operands[0].shape[0]]))
    return .f32(1, operands[0].shape[1])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, ids) = (operands[0], operands[1].values)
    let wanted = token.map { S($0) } ?? ids.max()
    let row = ids.firstIndex { $0 == wanted } ?? 0
    return DenseTensor<S>(
      shape: [1, x.columns], values: Array(x.values[row * x.columns..<(row + 1) * x.columns]))
  }
}
