/// An argument of the program: one image, `[channels, height, width]`.
///
/// Its value comes from the caller. It takes no operands.
public struct Input: OpDefinition {
  /// The type of the argument.
  public var type: TensorType

  /// Creates an input.
  public init(type: TensorType) { self.type = type }

  public static let mnemonic = "input"
  public static let forms = Set(Form.allCases)
  public static let operandCounts = 0...0
  public var attributes: Attributes {
    var list = Attributes()
    list.set("shape", .integers(type.shape))
    return list
  }
  public init(_ attributes: inout Attributes) throws(Diagnostic) {
    type = TensorType(.f32, try attributes.integers("shape"))
  }
  public func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType { type }
  /// Never called: the evaluator binds inputs.
  public func evaluate(_ operands: [Tensor]) -> Tensor { Tensor(shape: type.shape) }
}
