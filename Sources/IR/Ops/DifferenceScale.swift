import Diagnostics
import Glibc

/// What the second of two attentions is multiplied by where a head is the difference of both, as
/// often as there are columns.
///
/// `y[i] = -(exp(sum_j q1[j] k1[j]) - exp(sum_j q2[j] k2[j]) + initial)`. Operands: `q1`, `k1`,
/// `q2` and `k2: [n]`. Result: `[count]`. Attributes: `initial`, `count`. Of constants only.
///
/// - C1: the operands are f32 of rank 1 and of one extent.
/// - C2: `count` is positive.
///
/// Reference: Ye et al. 2024, arXiv:2410.05258, equation 2.
public struct DifferenceScale: OpDefinition {
  /// What is added to the difference of the exponentials.
  public var initial: Float
  /// The number of columns.
  public var count: Int

  /// Creates the op.
  public init(initial: Float, count: Int) {
    self.initial = initial
    self.count = count
  }

  static let mnemonic = "difference_scale"
  static let forms = Set(Form.allCases)
  static let operandCounts = 4...4
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("initial", .number(initial))
    list.set("count", .integer(count))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    initial = try attributes.number("initial")
    count = try attributes.integer("count")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    for (name, type) in zip(["q1", "k1", "q2", "k2"], operands) {
      try requireRank("C1", name, type, 1)
      try requireType("C1", name, type, .f32(operands[0].shape[0]))
    }
    try require("C2", count > 0, "count: \(count) is not positive")
    return .f32(count)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    func product(_ a: DenseTensor<S>, _ b: DenseTensor<S>) -> Double {
      zip(a.values, b.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let difference =
      Glibc.exp(product(operands[0], operands[1])) - Glibc.exp(product(operands[2], operands[3]))
    return DenseTensor<S>(shape: [count], repeating: -S(difference + Double(initial)))
  }
}
