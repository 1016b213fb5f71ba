import Diagnostics
import IR

/// A block whose attention and feed-forward part read the same normalized rows through one layer,
/// and are added together: `x + ls (proj attention + fc2 activation(m))` with
/// `m, q, k, v = in_proj norm x`.
///
/// Reference: Dehghani et al. 2023, arXiv:2302.05442, section 2; timm's `ParallelScalingBlock` and
/// `DiffParallelScalingBlock`.
struct ParallelBlock: Hashable, Sendable {
  /// Before the common layer.
  var norm: Normalization
  /// What is done with queries, keys and values.
  var core: AttentionCore
  /// The width inside the feed-forward part.
  var hidden: Int
  /// The function inside it.
  var activation: ActivationFunction
  /// `true` iff the common layer has a bias; else the feed-forward part has one of its own.
  var hasBias: Bool
  /// `true` iff one layer reads what both parts give, side by side.
  var joinsOutputs: Bool
  /// `true` iff the sum ends in a product with a learned vector (LayerScale).
  var layerScale: Bool

  func append(
    _ name: String, index: Int, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    let rows = hidden + 3 * dim
    let normed = try norm.append("\(name).in_norm", x, to: &builder)
    let weight = try builder.weight("\(name).in_proj.weight", [rows, dim])
    let bias = hasBias ? try builder.weight("\(name).in_proj.bias", [rows]) : nil
    let ownBias = hasBias ? nil : try builder.weight("\(name).mlp_bias", [hidden])
    var parts: [Value] = []
    var start = 0
    for (part, count) in [("mlp", hidden), ("q", dim), ("k", dim), ("v", dim)] {
      let layer = "\(name).\(part)"
      var operands = [
        normed,
        try builder.rows(weight, from: start, count: count, name: "\(layer).weight"),
      ]
      if let bias {
        operands.append(
          try builder.rows(bias, from: start, count: count, name: "\(layer).bias"))
      } else if part == "mlp", let ownBias {
        operands.append(ownBias)
      }
      parts.append(try builder.append(.linear(Linear()), operands, name: layer))
      start += count
    }
    let mixed = try core.append(name, block: index, parts[1], parts[2], parts[3], to: &builder)
    let active = try builder.activation(activation, parts[0], name: "\(name).act")
    var sum: Value
    if joinsOutputs {
      let joined = try builder.append(
        .concatenate(Concatenate(axis: 1)), [mixed, active], name: "\(name).joined")
      sum = try builder.linear("\(name).out_proj", joined, dim)
    } else {
      sum = try builder.sum(
        try builder.linear("\(name).attn_out_proj", mixed, dim),
        try builder.linear("\(name).mlp_out_proj", active, dim), name: "\(name).branches")
    }
    if layerScale {
      let gamma = try builder.weight("\(name).ls.gamma", [dim])
      sum = try builder.append(.multiply(Multiply()), [sum, gamma], name: "\(name).ls")
    }
    return try builder.sum(x, sum, name: "\(name).residual")
  }
}
