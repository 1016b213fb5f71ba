import Diagnostics

/// Adds two tensors, or a vector to each row of one.
///
/// `y[.., n] = a[.., n] + b[.., n]`, or `+ b[n]` where `b` has rank 1. Operands: `a` of any shape;
/// `b` of the same shape or of shape `[last dimension of a]`.
///
/// - C1: the shapes fit.
public struct Add: OpDefinition {
  /// Creates an addition.
  public init() {}

  static let mnemonic = "add"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    OpFacts(
      inPlace: [0, 1], rows: .same(operands[1].rank == 1 ? [0] : [0, 1]), addends: [0, 1],
      norm: nil, absorbs: [], spread: .any, carriesBF16: false, work: nil)
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {}
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let (a, b) = (operands[0], operands[1])
    try require(
      "C1", a == b || (a.rank > 0 && b == .f32(a.shape[a.rank - 1])),
      "b: expected \(a) or \(TensorType(a.element, Array(a.shape.suffix(1)))), found \(b)")
    return a
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let b = operands[1].values
    return operands[0].values.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        DenseTensor<S>(shape: operands[0].shape) { y in
          for row in stride(from: 0, to: a.count, by: max(1, b.count)) {
            for i in b.indices { y[row + i] = a[row + i] + b[i] }
          }
        }
      }
    }
  }
}
