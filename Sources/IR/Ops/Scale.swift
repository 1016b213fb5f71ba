import Diagnostics

/// Multiplies by a number.
///
/// `y = factor * x`. Attribute: `factor`.
public struct Scale: OpDefinition {
  /// The number.
  public var factor: Float

  /// Creates a scaling.
  public init(_ factor: Float) { self.factor = factor }

  static let mnemonic = "scale"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [0], rows: .same([0]), addends: [0], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("factor", .number(factor))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    factor = try attributes.number("factor")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    operands[0]
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    DenseTensor<S>(shape: operands[0].shape, values: operands[0].values.map { S(factor) * $0 })
  }
}
