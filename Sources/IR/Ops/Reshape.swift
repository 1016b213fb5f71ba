import Diagnostics

/// Gives the same elements, in the same row-major order, another shape.
///
/// Attribute: `shape`. In the planned form the result lies where the operand does.
///
/// - C1: the number of elements is the same.
/// - C2: bf16 has whole pairs of columns, before and after: kernels read them as words of 32 bits.
public struct Reshape: OpDefinition {
  /// The shape of the result.
  public var shape: [Int]

  /// Creates a reshape.
  public init(_ shape: [Int]) { self.shape = shape }

  static let mnemonic = "reshape"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .view(.reshape) }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("shape", .integers(shape))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    shape = try attributes.integers("shape")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let result = TensorType(operands[0].element, shape)
    try require(
      "C1", result.count == operands[0].count,
      "\(operands[0]) has \(operands[0].count) elements, \(result) has \(result.count)")
    try requirePairs("C2", "x", operands[0])
    try requirePairs("C2", "result", result)
    return result
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    DenseTensor<S>(shape: shape, values: operands[0].values)
  }
}
