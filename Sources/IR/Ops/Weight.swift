/// A tensor of the checkpoint, widened to `f32`.
///
/// Attributes: `tensor`, its name in the checkpoint; `shape`. It takes no operands.
public struct Weight: OpDefinition {
  /// The name in the checkpoint.
  public var tensor: String
  /// The shape it must have there.
  public var shape: [Int]

  /// Creates a reference to a checkpoint's tensor.
  public init(tensor: String, shape: [Int]) {
    self.tensor = tensor
    self.shape = shape
  }

  static let mnemonic = "weight"
  static let forms = Set(Form.allCases)
  static let operandCounts = 0...0
  var attributes: Attributes {
    var list = Attributes()
    list.set("tensor", .text(tensor))
    list.set("shape", .integers(shape))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    tensor = try attributes.text("tensor")
    shape = try attributes.integers("shape")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    TensorType(.f32, shape)
  }
  /// Never called: the evaluator reads the checkpoint.
  func evaluate(_ operands: [Tensor]) -> Tensor { Tensor(shape: shape) }
}
