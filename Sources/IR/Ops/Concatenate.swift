import Diagnostics

/// Joins tensors along one dimension.
///
/// Operands: one or more of equal rank and equal extents except along `axis`. Attribute: `axis`,
/// default 0. In the planned form the operands lie inside the result already, and nothing is done.
///
/// - C1: the ranks are equal and `axis` is a dimension.
/// - C2: all extents except along `axis` are equal.
/// - C3: operands of bf16 have whole pairs of columns: kernels read them as words of 32 bits.
public struct Concatenate: OpDefinition {
  /// The dimension along which the operands follow each other.
  public var axis: Int

  /// Creates a concatenation.
  public init(axis: Int = 0) { self.axis = axis }

  static let mnemonic = "concatenate"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...64
  var execution: Execution { .view(.concatenate(axis: axis)) }
  func facts(_ operands: [TensorType]) -> OpFacts {
    // No pass lets bf16 in: a part that has to be copied into it would find no kernel.
    OpFacts(
      inPlace: [], rows: axis == 0 ? .joined : .same(Array(operands.indices)),
      addends: axis == 0 ? Array(operands.indices) : [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false, work: nil)
  }
  var attributes: Attributes {
    var list = Attributes()
    if axis != 0 { list.set("axis", .integer(axis)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    axis = try attributes.integer("axis", default: 0)
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    var result = operands[0]
    try require(
      "C1", axis >= 0 && axis < result.rank, "axis: \(axis) is not a dimension of \(result)")
    for operand in operands.dropFirst() {
      try require(
        "C1", operand.rank == result.rank && operand.element == result.element,
        "operands of unequal rank: \(result) and \(operand)")
      for d in 0..<result.rank where d != axis {
        try require(
          "C2", operand.shape[d] == result.shape[d],
          "operands differ in dimension \(d): \(result) and \(operand)")
      }
      result.shape[axis] += operand.shape[axis]
    }
    for (index, operand) in operands.enumerated() {
      try requirePairs("C3", "operand \(index)", operand)
    }
    return result
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let outer = operands[0].shape[..<axis].reduce(1, *)
    var shape = operands[0].shape
    shape[axis] = operands.reduce(0) { $0 + $1.shape[axis] }
    var values: [S] = []
    values.reserveCapacity(shape.reduce(1, *))
    for o in 0..<outer {
      for operand in operands {
        let inner = operand.shape[axis...].reduce(1, *)
        values += operand.values[o * inner..<(o + 1) * inner]
      }
    }
    return DenseTensor<S>(shape: shape, values: values)
  }
}
