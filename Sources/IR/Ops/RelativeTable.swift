import Diagnostics

/// Learned vectors, one for each distance along an axis, as `relative_scores` reads them.
///
/// `y[d, j] = x'[2 * to - 2 - j, d]`, where `x'` is `x` with its rows resized to `2 * to - 1`: two
/// taps between half-pixel centres, clamped (`interpolate(mode='linear')`). Operand:
/// `x: [distances, dim]`. Result: `[dim, 2 * to - 1]`. Attribute: `to`, the places along the axis.
/// A function of weights: it is computed at compile time.
///
/// - C1: `x` has rank 2.
/// - C2: `to` is an extent from 1 to 4096.
///
/// Reference: Li et al. 2021, arXiv:2112.01526, equation 4.
public struct RelativeTable: OpDefinition {
  /// The places along the axis.
  public var to: Int

  /// Creates the op.
  public init(to: Int) { self.to = to }

  static let mnemonic = "relative_table"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("to", .integer(to))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    to = try attributes.integer("to")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    try require(
      "C2", 1...WindowGrid.largestExtent ~= to, "to: expected an extent from 1 to 4096, found \(to)"
    )
    return .f32(operands[0].shape[1], 2 * to - 1)
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let (x, count) = (operands[0], 2 * to - 1)
    let taps = ResizeMethod.bilinear.taps(from: x.rows, to: count)
    return DenseTensor<S>(shape: [x.columns, count]) { y in
      for d in 0..<x.columns {
        for (row, taps) in taps.enumerated() {
          let sum = taps.reduce(0.0) {
            $0 + $1.weight * Double(x.values[$1.index * x.columns + d])
          }
          y[d * count + count - 1 - row] = S(sum)
        }
      }
    }
  }
}
