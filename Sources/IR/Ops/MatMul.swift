import Diagnostics

/// Multiplies matrices, one pair for each leading index.
///
/// `y[h, m, n] = sum_k a[h, m, k] * b[h, k, n]`, or `b[h, n, k]` where `transposed` is set.
/// Operands: `a` and `b` of equal rank, 2 or 3. Attribute: `transposed`, default false.
///
/// - C1: the ranks are equal, 2 or 3, and so is the leading extent of rank 3.
/// - C2: the inner extents are equal.
public struct MatMul: OpDefinition {
  /// `true` iff `b` is given as `[.., n, k]`.
  public var transposed: Bool

  /// Creates a matmul.
  public init(transposed: Bool = false) { self.transposed = transposed }

  static let mnemonic = "matmul"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...2
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts {
    let b = operands[1].shape
    let columns = transposed ? b[b.count - 2] : b[b.count - 1]
    return OpFacts(
      inPlace: [], rows: .same([0]), addends: [], norm: nil, absorbs: [], spread: .any,
      carriesBF16: false,
      work: Work(flops: 2 * operands[0].count * columns, element: operands[1].element, panels: nil))
  }
  var attributes: Attributes {
    var list = Attributes()
    if transposed { list.set("transposed", .boolean(true)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    transposed = try attributes.boolean("transposed")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let (a, b) = (operands[0].shape, operands[1].shape)
    try require(
      "C1", a.count == b.count && (a.count == 2 || a.count == 3) && a.dropLast(2) == b.dropLast(2),
      "a and b: ranks or leading extents differ, found \(operands[0]) and \(operands[1])")
    let rank = a.count
    let inner = transposed ? b[rank - 1] : b[rank - 2]
    try require(
      "C2", a[rank - 1] == inner,
      "inner extents: a has \(a[rank - 1]), b has \(inner)")
    return TensorType(
      .f32, a.dropLast(2) + [a[rank - 2], transposed ? b[rank - 2] : b[rank - 1]])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (a, b) = (operands[0], operands[1])
    let rank = a.shape.count
    let (m, k) = (a.shape[rank - 2], a.shape[rank - 1])
    let n = transposed ? b.shape[rank - 2] : b.shape[rank - 1]
    let batch = rank == 3 ? a.shape[0] : 1
    var result = DenseTensor<S>(shape: a.shape.dropLast(2) + [m, n])
    let (stepN, stepK) = transposed ? (k, 1) : (1, n)
    for h in 0..<batch {
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          var (p, q) = ((h * m + i) * k, h * n * k + j * stepN)
          for _ in 0..<k {
            sum += Double(a.values[p]) * Double(b.values[q])
            p += 1
            q += stepK
          }
          result.values[(h * m + i) * n + j] = S(sum)
        }
      }
    }
    return result
  }
}
