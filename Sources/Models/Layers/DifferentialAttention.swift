import Diagnostics
import IR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Attention whose heads are each the difference of two: `softmax(q1 k1') v - λ softmax(q2 k2') v`,
/// the first halves of a head's queries and keys against the second; then an RMS norm of each head.
///
/// `λ = exp(λq1 . λk1) - exp(λq2 . λk2) + λ0` with `λ0 = 0.8 - 0.6 exp(-0.3 block)`; heads are then
/// multiplied by `1 - λ0`.
///
/// Reference: Ye et al. 2024, arXiv:2410.05258; timm's `DiffAttention`.
struct DifferentialAttention: Hashable, Sendable {
  /// The number of heads, each of two.
  var heads: Int

  func append(
    _ name: String, block: Int, _ query: Value, _ key: Value, _ value: Value,
    to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(query).shape[1]
    let half = dim / heads / 2
    let initial = 0.8 - 0.6 * exp(-0.3 * Double(block))
    var differences: [Value] = []
    for index in 0..<2 {
      let part = try only(index, query, half, "\(name).q\(index + 1)", &builder)
      differences.append(
        try builder.attention(
          "\(name).\(index + 1)", part, key, value, heads: heads,
          scale: 1 / Double(half).squareRoot()))
    }
    var vectors: [Value] = []
    for vector in ["lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"] {
      vectors.append(try builder.weight("\(name).\(vector)", [half]))
    }
    let factor = try builder.append(
      .differenceScale(DifferenceScale(initial: Float(initial), count: dim)), vectors,
      name: "\(name).lambda")
    let second = try builder.append(
      .multiply(Multiply()), [differences[1], factor], name: "\(name).2.scaled")
    let difference = try builder.sum(differences[0], second, name: "\(name).difference")
    let norm = Normalization(epsilon: 1e-5, kind: .rootMeanSquare)
    let normed = try norm.append("\(name).sub_norm", difference, heads: heads, to: &builder)
    return try builder.append(
      .scale(Scale(Float(1 - initial))), [normed], name: "\(name).scaled")
  }

  /// Queries with zeros in place of one half of each head's columns: their products with whole keys
  /// are those of the other halves.
  private func only(
    _ index: Int, _ x: Value, _ half: Int, _ name: String, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var mask: [Value] = []
    for part in 0..<2 {
      mask.append(
        try builder.append(
          .fill(Fill(part == index ? 1 : 0, shape: [half])), [], name: "\(name).mask.\(part)"))
    }
    let head = try builder.concatenated(mask, "\(name).mask.head")
    let all = try builder.concatenated(
      Array(repeating: head, count: heads), "\(name).mask")
    return try builder.append(.multiply(Multiply()), [x, all], name: name)
  }
}
