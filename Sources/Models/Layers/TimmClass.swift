/// The class of timm's that a Transformer's tensors are named after.
enum TimmClass: Hashable, Sendable {
  /// `VisionTransformer`.
  case visionTransformer
  /// `Eva`: biases of queries and values beside a common weight, none of keys; LayerScale as
  /// `gamma_1` and `gamma_2`.
  case eva

  /// The names of the vectors that the two branches of a block are multiplied by, within the block.
  var scales: (attention: String, feedForward: String) {
    switch self {
    case .visionTransformer: ("ls1.gamma", "ls2.gamma")
    case .eva: ("gamma_1", "gamma_2")
    }
  }
}
