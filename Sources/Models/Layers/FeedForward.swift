import Diagnostics
import IR

/// The feed-forward part of a block.
struct FeedForward: Hashable, Sendable {
  /// How its two layers go together.
  enum Form: String, Hashable, Sendable {
    /// fc2(activation(fc1 x)), fc1 with `hidden` rows.
    case mlp
    /// fc2(silu(g) · u), where fc1 has twice `hidden` rows and gives g and then u.
    case gated
    /// The same, where fc1_g gives g and fc1_x gives u.
    case gatedApart = "gated_apart"
  }

  /// How its two layers go together.
  var form = Form.mlp
  /// The width between the two layers.
  var hidden: Int
  /// The function of the form `mlp`.
  var activation = ActivationFunction.gelu
  /// `true` iff its layers have biases.
  var hasBias = true
  /// Between its two layers, if anything is.
  var innerNorm: Normalization?

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    var active: Value
    switch form {
    case .mlp:
      let wide = try builder.linear("\(name).fc1", x, hidden, bias: hasBias)
      active = try builder.activation(activation, wide, name: "\(name).act")
    case .gated:
      let wide = try builder.linear("\(name).fc1", x, 2 * hidden, bias: hasBias)
      active = try builder.append(.swiGLU(SwiGLU()), [wide], name: "\(name).act")
    case .gatedApart:
      let wide = try joined(name, x, &builder)
      active = try builder.append(.swiGLU(SwiGLU()), [wide], name: "\(name).act")
    }
    if let innerNorm { active = try innerNorm.append("\(name).norm", active, to: &builder) }
    return try builder.linear("\(name).fc2", active, dim, bias: hasBias)
  }

  /// Both of the first layers as one, the gate first.
  private func joined(
    _ name: String, _ x: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var operands = [x]
    var kinds: [(suffix: String, shape: [Int])] = [("weight", [hidden, builder.type(x).shape[1]])]
    if hasBias { kinds.append(("bias", [hidden])) }
    for (suffix, shape) in kinds {
      let parts = [
        try builder.weight("\(name).fc1_g.\(suffix)", shape),
        try builder.weight("\(name).fc1_x.\(suffix)", shape),
      ]
      operands.append(try builder.concatenated(parts, "\(name).fc1.\(suffix)"))
    }
    return try builder.append(.linear(Linear()), operands, name: "\(name).fc1")
  }
}
