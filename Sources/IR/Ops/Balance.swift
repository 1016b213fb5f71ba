import Diagnostics
import Glibc

/// What the channels between two matrices are multiplied by so that both sides are of one size.
///
/// `y[c] = sqrt(|B[:, c]| / |(A[c, :], bias[c])|)`, Euclidean norms: the rows of `A` and its bias
/// are multiplied by it, and the columns of `B` by its inverse. Channels that either side leaves
/// without effect get zero, and so do their inverses. Whoever scales a channel up and its column
/// down gets the same balanced matrices. Operands: `A: [channels, in]`, `B: [out, channels]`, and
/// `bias: [channels]` or nothing. Attribute: `inverse`, default false. Of constants only.
///
/// - C1: `A` and `B` are f32 of rank 2, and `B` has as many columns as `A` rows.
/// - C2: `bias` has as many elements.
///
/// Reference: Nagel et al. 2019, arXiv:1906.04721 (cross-layer equalization).
public struct Balance: OpDefinition {
  /// `true` iff the inverses are wanted.
  public var isInverse: Bool

  /// Creates the op.
  public init(isInverse: Bool = false) { self.isInverse = isInverse }

  /// The largest factor, and the inverse of the smallest: both are floats with room to spare.
  private static let largest = 0x1p60

  static let mnemonic = "balance"
  static let forms = Set(Form.allCases)
  static let operandCounts = 2...3
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    if isInverse { list.set("inverse", .boolean(true)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    isInverse = try attributes.boolean("inverse")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let (a, b) = (operands[0], operands[1])
    try requireRank("C1", "A", a, 2)
    try requireRank("C1", "B", b, 2)
    let channels = a.shape[0]
    try require("C1", b.shape[1] == channels, "B: expected [_,\(channels)], found \(b)")
    if operands.count > 2 { try requireType("C2", "bias", operands[2], .f32(channels)) }
    return .f32(channels)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (a, b) = (operands[0], operands[1])
    var result = DenseTensor<S>(shape: [a.rows])
    var columns = [Double](repeating: 0, count: b.columns)
    for start in stride(from: 0, to: b.values.count, by: b.columns) {
      for c in 0..<b.columns {
        let x = Double(b.values[start + c])
        columns[c] += x * x
      }
    }
    for c in 0..<a.rows {
      let bias = operands.count > 2 ? Double(operands[2].values[c]) : 0
      let row = a.values[c * a.columns..<(c + 1) * a.columns].reduce(bias * bias) {
        $0 + Double($1) * Double($1)
      }
      guard row != 0, columns[c] != 0 else { continue }
      let factor = Glibc.pow(columns[c] / row, 0.25)
      // What is not a number stays so.
      let bounded = factor.isNaN ? factor : min(Self.largest, max(1 / Self.largest, factor))
      result.values[c] = S(isInverse ? 1 / bounded : bounded)
    }
    return result
  }
}
