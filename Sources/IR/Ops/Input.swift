import Diagnostics

/// An argument of the program: one image, `[channels, height, width]`.
///
/// Its value comes from the caller, its elements are `f32`. Attribute: `shape`. No operands.
public struct Input: OpDefinition {
  /// The type of the argument.
  public var type: TensorType

  /// Creates an input.
  public init(type: TensorType) { self.type = type }

  static let mnemonic = "input"
  static let forms = Set(Form.allCases)
  static let operandCounts = 0...0
  var execution: Execution { .input }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("shape", .integers(type.shape))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    type = TensorType(.f32, try attributes.integers("shape"))
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    guard type.element == .f32 else {
      throw Diagnostic("[input] expected f32 elements, found \(type)")
    }
    return type
  }
  /// Never called: the evaluator binds inputs.
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    DenseTensor<S>(shape: type.shape)
  }
}
