import Diagnostics
import IR

/// A norm of each token, with learned scale and shift.
struct Normalization: Hashable, Sendable {
  /// What is added to the variance.
  var epsilon: Double

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let width = builder.type(x).shape[1]
    return try builder.append(
      .layerNorm(LayerNorm(epsilon: Float(epsilon))),
      [
        x, try builder.weight("\(name).weight", [width]),
        try builder.weight("\(name).bias", [width]),
      ], name: name)
  }
}
