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
  }

  /// How its two layers go together.
  var form = Form.mlp
  /// The width between the two layers.
  var hidden: Int
  /// The function of the form `mlp`.
  var activation = ActivationFunction.gelu

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    let active: Value
    switch form {
    case .mlp:
      let wide = try builder.linear("\(name).fc1", x, hidden)
      active = try builder.activation(activation, wide, name: "\(name).act")
    case .gated:
      let wide = try builder.linear("\(name).fc1", x, 2 * hidden)
      active = try builder.append(.swiGLU(SwiGLU()), [wide], name: "\(name).act")
    }
    return try builder.linear("\(name).fc2", active, dim)
  }
}
