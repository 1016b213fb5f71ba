import Diagnostics
import IR

/// A norm of each token, with a learned scale and, unless it is an RMS norm, a learned shift.
struct Normalization: Hashable, Sendable {
  /// What a norm does to a row before scale and shift.
  enum Kind: Hashable, Sendable {
    /// Takes the mean away and divides by the deviation.
    case layer
    /// Divides by the root of the mean square.
    case rootMeanSquare
  }

  /// What is added to the variance, or to the mean square.
  var epsilon: Double
  /// What it does.
  var kind = Kind.layer

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let width = builder.type(x).shape[1]
    let scale = try builder.weight("\(name).weight", [width])
    switch kind {
    case .layer:
      let shift = try builder.weight("\(name).bias", [width])
      return try builder.append(
        .layerNorm(LayerNorm(epsilon: Float(epsilon))), [x, scale, shift], name: name)
    case .rootMeanSquare:
      return try builder.append(
        .rmsNorm(RMSNorm(epsilon: Float(epsilon))), [x, scale], name: name)
    }
  }
}
