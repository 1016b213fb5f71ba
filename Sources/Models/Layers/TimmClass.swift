/// The class of timm's that a Transformer's tensors are named after.
enum TimmClass: Hashable, Sendable {
  /// `VisionTransformer`.
  case visionTransformer
  /// `Eva`: LayerScale as `gamma_1` and `gamma_2`.
  case eva
  /// `Beit`: the same.
  case beit
  /// `NaFlexVit`: as `VisionTransformer`, but that tokens, positions and the projection of patches
  /// are in a module of their own.
  case naFlex

  /// The names of the vectors that the two branches of a block are multiplied by, within the block.
  var scales: (attention: String, feedForward: String) {
    switch self {
    case .visionTransformer, .naFlex: ("ls1.gamma", "ls2.gamma")
    case .eva, .beit: ("gamma_1", "gamma_2")
    }
  }

  /// What precedes the names of the tokens before the patches and of the positions.
  var embeddingPrefix: String { self == .naFlex ? "embeds." : "" }

  /// The name of the projection of the patches.
  var patchProjection: String { self == .naFlex ? "embeds.proj" : "patch_embed.proj" }
}

/// How timm stores the projections to queries, keys and values.
enum TimmProjections: Hashable, Sendable {
  /// In one weight and one bias, `attn.qkv`, queries first.
  case together
  /// In one weight, with biases `attn.q_bias` and `attn.v_bias` beside it.
  case biasesApart
  /// Each by itself: `attn.q_proj`, `attn.k_proj` and `attn.v_proj`.
  case apart
}
