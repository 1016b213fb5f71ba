import Diagnostics
import IR

/// The layer that transformers' ViT and DeiT have beside a head, for their `pooler_output`:
/// activation(dense(class token)), of shape `[width]`.
///
/// Source: `ViTPooler`, `DeiTPooler` of transformers 5.
struct Pooler: Hashable, Sendable {
  /// The canonical name of the dense layer.
  static let name = "pooler"

  /// The number of outputs (`pooler_output_size`).
  var width: Int
  /// The function (`pooler_act`).
  var activation = ActivationFunction.tanh

  func append(_ tokens: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let token = try builder.rows(tokens, from: 0, count: 1, name: "\(Self.name).token")
    let dense = try builder.linear(Self.name, token, width)
    return try builder.activation(activation, dense, name: "\(Self.name).act")
  }
}

extension Pooler {
  /// Reads what a configuration of transformers says, for tokens of this width.
  init(_ root: ConfigurationObject, width: Int) throws(Diagnostic) {
    self.width = try root.integer("pooler_output_size") ?? width
    activation = try ActivationFunction(root, "pooler_act", default: "tanh")
  }
}
