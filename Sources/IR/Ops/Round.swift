import Diagnostics

/// Rounds to a type of fewer bits.
///
/// `y = x`, each element rounded to the nearest one of the type `element`, of two to the even one.
/// Operand: `x` of any shape. Attribute: `element`, such as `bf16`. It comes before weights that
/// are multiplied in that type, and before results that are stored in it; other activations are
/// rounded by the operations that make or read them.
///
/// - C1: `x` is f32.
/// - C2: `element` is a floating-point type of fewer bits than f32.
public struct Round: OpDefinition {
  /// The type of the result's elements.
  public var element: ElementType

  /// Creates a rounding.
  public init(_ element: ElementType) { self.element = element }

  static let mnemonic = "round"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    list.set("element", .text(element.rawValue))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    element = try attributes.choice("element")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require("C1", operands[0].element == .f32, "x: expected f32, found \(operands[0])")
    try require(
      "C2", element.isNarrowFloat,
      "element: expected \(ElementType.narrowFloatNames), found \(element.rawValue)")
    return TensorType(element, operands[0].shape)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> { operands[0] }
}
