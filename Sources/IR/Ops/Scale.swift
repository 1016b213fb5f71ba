/// Multiplies by a number.
///
/// `y = factor * x`. Attribute: `factor`.
public struct Scale: OpDefinition {
  /// The number.
  public var factor: Float

  /// Creates a scaling.
  public init(_ factor: Float) { self.factor = factor }

  public static let mnemonic = "scale"
  public static let forms = Set(Form.allCases)
  public static let operandCounts = 1...1
  public var attributes: Attributes {
    var list = Attributes()
    list.set("factor", .number(factor))
    return list
  }
  public init(_ attributes: inout Attributes) throws(Diagnostic) {
    factor = try attributes.number("factor")
  }
  public func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    operands[0]
  }
  public func evaluate(_ operands: [Tensor]) -> Tensor {
    Tensor(shape: operands[0].shape, values: operands[0].values.map { factor * $0 })
  }
}
