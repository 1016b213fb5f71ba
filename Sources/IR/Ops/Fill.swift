import Diagnostics

/// A constant tensor of one repeated value.
///
/// `y[...] = value`. Attributes: `shape`; `value`, default 0.
public struct Fill: OpDefinition {
  /// The repeated value.
  public var value: Float
  /// The shape of the result.
  public var shape: [Int]

  /// Creates a fill.
  public init(_ value: Float, shape: [Int]) {
    self.value = value
    self.shape = shape
  }

  static let mnemonic = "fill"
  static let forms = Set(Form.allCases)
  static let operandCounts = 0...0
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("shape", .integers(shape))
    if value != 0 { list.set("value", .number(value)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    shape = try attributes.integers("shape")
    value = try attributes.number("value", default: 0)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    TensorType(.f32, shape)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    DenseTensor<S>(shape: shape, repeating: S(value))
  }
}
