import Diagnostics

/// Sums and squared deviations of each column, by chunks of rows: what a group norm needs to know
/// of its input.
///
/// For chunk `k`, the rows `k * chunk ..< min((k + 1) * chunk, rows)` of `x`, and each column `c`:
/// `y[k, c] = sum_i x[i, c]` and `y[chunks + k, c] = sum_i (x[i, c] - mean)^2`, where `mean` is
/// that of the column within the chunk and `chunks = ceil(rows / chunk)`.
///
/// Operand: `x: [rows, columns]`. Result: `[2 * chunks, columns]`. Attribute: `chunk`, the rows of
/// a chunk. The deviations are from the chunk's own mean, so that nothing cancels where the mean is
/// far from zero; moments of chunks add up exactly (Chan et al. 1983, doi:10.2307/2683386). Chunks
/// belong to the shape: what tasks there are never changes a sum.
///
/// - C1: `x` has rank 2.
/// - C2: `chunk` is in `1...rows`.
public struct Moments: OpDefinition {
  /// The rows of a chunk; the last one may have fewer.
  public var chunk: Int

  /// Creates moments.
  public init(chunk: Int) { self.chunk = chunk }

  /// The number of chunks of `rows` rows.
  public static func chunks(rows: Int, chunk: Int) -> Int { (rows - 1) / chunk + 1 }

  /// The chunk that suits an image of this height and width: whole rows of pixels, about 28 chunks
  /// for tasks to share, all pixels where they are few.
  ///
  /// 28 divides the heights of a ResNet at 224 pixels, 112, 56 and 28; images of 64 pixels or less
  /// are one chunk, since their work is divided by columns.
  public static func chunk(height: Int, width: Int) -> Int {
    let lines = height * width <= 64 ? height : (height + 27) / 28
    return lines * width
  }

  static let mnemonic = "moments"
  static let forms: Set<Form> = [.fused, .planned]
  static let operandCounts = 1...1
  var execution: Execution { .kernel }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    list.set("chunk", .integer(chunk))
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    chunk = try attributes.integer("chunk")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    try requireRank("C1", "x", operands[0], 2)
    let rows = operands[0].shape[0]
    try require(
      "C2", chunk > 0 && chunk <= rows, "chunk: expected 1 to \(rows), found \(chunk)")
    return .f32(2 * Moments.chunks(rows: rows, chunk: chunk), operands[0].shape[1])
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0]
    let (rows, columns) = (x.rows, x.columns)
    let chunks = Moments.chunks(rows: rows, chunk: chunk)
    var result = DenseTensor<S>(shape: [2 * chunks, columns])
    for k in 0..<chunks {
      let range = k * chunk..<min((k + 1) * chunk, rows)
      for c in 0..<columns {
        let sum = range.reduce(0.0) { $0 + Double(x.values[$1 * columns + c]) }
        let mean = sum / Double(range.count)
        let squares = range.reduce(0.0) {
          let deviation = Double(x.values[$1 * columns + c]) - mean
          return $0 + deviation * deviation
        }
        result.values[k * columns + c] = S(sum)
        result.values[(chunks + k) * columns + c] = S(squares)
      }
    }
    return result
  }
}
