import Diagnostics

/// A tensor of the checkpoint, widened to `f32`, or one that a calibration found.
///
/// Attributes: `tensor`, its name there; `shape`; `element`, default `f32`, or `s8` for integers
/// that a calibration found. It takes no operands.
///
/// - C1: `element` is `f32` or `s8`.
public struct Weight: OpDefinition {
  /// The name in the checkpoint.
  public var tensor: String
  /// The shape it must have there.
  public var shape: [Int]
  /// The type of its elements.
  public var element: ElementType

  /// Creates a reference to a tensor.
  public init(tensor: String, shape: [Int], element: ElementType = .f32) {
    self.tensor = tensor
    self.shape = shape
    self.element = element
  }

  static let mnemonic = "weight"
  static let forms = Set(Form.allCases)
  static let operandCounts = 0...0
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("tensor", .text(tensor))
    list.set("shape", .integers(shape))
    if element != .f32 { list.set("element", .text(element.rawValue)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    tensor = try attributes.text("tensor")
    shape = try attributes.integers("shape")
    element = attributes.value("element") == nil ? .f32 : try attributes.choice("element")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try require(
      "C1", element == .f32 || element == .s8,
      "element: expected f32 or s8, found \(element.rawValue)")
    return TensorType(element, shape)
  }
  /// Never called: the evaluator reads the checkpoint.
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    DenseTensor<S>(shape: shape)
  }
}
