import Diagnostics

extension VisionTransformer {
  /// Applies the arguments of timm's class `Eva`.
  mutating func applyEva(_ timm: TimmArguments) throws(Diagnostic) {
    let read: Set<String> = [
      "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio",
      "qkv_bias", "init_values", "class_token", "num_reg_tokens", "use_fc_norm",
      "use_post_transformer_norm", "rope_temperature", "ref_feat_shape", "rope_grid_offset",
      "attn_pool_num_heads", "attn_pool_mlp_ratio", "num_kv_heads",
    ]
    try timm.refuseOthers(than: read)
    let arguments = timm.object
    let embedsPrefix = positionPrefix == prefixTokens
    try applySizes(arguments)
    if mlpAlignment > 0 {
      mlpHidden = (mlpHidden + mlpAlignment - 1) / mlpAlignment * mlpAlignment
    }
    try applyKeyHeads(arguments)
    qkvBias = try arguments.bool("qkv_bias") ?? qkvBias
    // Blocks whose norms follow have no LayerScale.
    if arguments.value("init_values") != nil {
      _ = try arguments.double("init_values")
      layerScale = !normsFollow
    }
    hasClassToken = try arguments.bool("class_token") ?? hasClassToken
    registerTokens = try arguments.integer("num_reg_tokens") ?? registerTokens
    positionPrefix = embedsPrefix ? prefixTokens : 0
    if let base = try arguments.double("rope_temperature") { rotary?.base = base }
    if let offset = try arguments.double("rope_grid_offset") { rotary?.offset = offset }
    if let reference = try arguments.extent("ref_feat_shape") {
      rotary?.reference = [reference.height, reference.width]
    }
    try applyPool(timm)
    if patch > 0 { positionGrid = grid }
  }

  /// One number for all blocks, or one for each; that there are as many is checked with the rest.
  private mutating func applyKeyHeads(_ arguments: ConfigurationObject) throws(Diagnostic) {
    guard let value = arguments.value("num_kv_heads") else { return }
    guard projections == .apart else {
      throw Diagnostic(
        "'model_args.num_kv_heads' does not go with '\(name)', whose queries, keys and values are "
          + "one tensor", at: .file(arguments.path))
    }
    keyHeads =
      if case .array = value {
        try arguments.integers("num_kv_heads")
      } else {
        try arguments.integer("num_kv_heads").map {
          Array(repeating: $0, count: min(max(0, depth), 1024))
        }
      }
  }

  /// The pooling, and the norms that follow from it.
  private mutating func applyPool(_ timm: TimmArguments) throws(Diagnostic) {
    let arguments = timm.object
    switch timm.pool {
    case nil: break
    case "token": pooling = .token
    case "avg": pooling = .average
    case "map":
      pooling = .attention
      poolsPrefix = true
    case let name?:
      throw Diagnostic(
        "unknown 'global_pool' '\(name)'", at: .file(arguments.path),
        hint: "vitc supports 'token', 'avg' and 'map'")
    }
    try applyPoolSizes(arguments)
    lastNorms.pooled = try arguments.bool("use_fc_norm") ?? lastNorms.pooled
    lastNorms.tokens = try arguments.bool("use_post_transformer_norm") ?? lastNorms.tokens
    placeLastNorms()
  }

  /// The heads and the MLP of the pooling by attention.
  mutating func applyPoolSizes(_ arguments: ConfigurationObject) throws(Diagnostic) {
    poolHeads = try arguments.integer("attn_pool_num_heads") ?? poolHeads
    poolRatio = try arguments.double("attn_pool_mlp_ratio") ?? poolRatio
    if let poolRatio, !(poolRatio > 0 && poolRatio < 1000) {
      throw Diagnostic(
        "'model_args.attn_pool_mlp_ratio' is \(poolRatio), expected 0 to 1000",
        at: .file(arguments.path))
    }
  }
}
