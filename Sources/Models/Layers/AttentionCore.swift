import Diagnostics
import IR

/// What an attention does with queries, keys and values: between the layers that make them and the
/// one that reads the heads, put side by side.
struct AttentionCore: Hashable, Sendable {
  /// The number of heads.
  var heads: Int
  /// Of queries and keys, if there is any.
  var queryKeyNorm: Normalization?
  /// `true` iff that norm is of all heads together, not of each by itself.
  var normsWholeRows = false
  /// `true` iff each head is the difference of two (``DifferentialAttention``).
  var isDifferential = false
  /// `true` iff a token sees nothing of what follows it.
  var isCausal = false

  /// - Parameters:
  ///   - name: of the attention; the tensors that it reads are named after it.
  ///   - block: the index of the block.
  ///   - rotation: the table of angles that queries and keys are turned by, if they are.
  ///   - bias: what is added to the scores, if something is; not to those of differences.
  func append(
    _ name: String, block: Int, _ query: Value, _ key: Value, _ value: Value,
    rotation: Value? = nil, bias: Value? = nil, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var parts = [query, key]
    for (index, part) in ["q", "k"].enumerated() {
      if let queryKeyNorm {
        parts[index] = try queryKeyNorm.append(
          "\(name).\(part)_norm", parts[index], heads: normsWholeRows ? 1 : heads,
          to: &builder)
      }
      if let rotation {
        parts[index] = try builder.append(
          .rope(Rope(heads: heads)), [parts[index], rotation], name: "\(name).\(part).turned")
      }
    }
    guard isDifferential else {
      return try builder.attention(
        name, parts[0], parts[1], value, heads: heads, bias: bias, isCausal: isCausal)
    }
    return try DifferentialAttention(heads: heads).append(
      name, block: block, parts[0], parts[1], value, to: &builder)
  }
}

extension Normalization {
  /// The norm of each head's columns by themselves, the same scale and shift for all heads.
  func append(
    _ name: String, _ x: Value, heads: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    guard heads > 1 else { return try append(name, x, to: &builder) }
    let shape = builder.type(x).shape
    let split = try builder.append(
      .reshape(Reshape([shape[0] * heads, shape[1] / heads])), [x], name: "\(name).heads")
    let normed = try append(name, split, to: &builder)
    return try builder.append(.reshape(Reshape(shape)), [normed], name: "\(name).merged")
  }
}
