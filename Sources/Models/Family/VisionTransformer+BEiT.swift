import Diagnostics

extension VisionTransformer {
  /// Applies the arguments of timm's class `Beit`.
  mutating func applyBEiT(_ timm: TimmArguments) throws(Diagnostic) {
    let read: Set<String> = [
      "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio",
      "qkv_bias", "init_values", "use_abs_pos_emb", "use_rel_pos_bias", "use_shared_rel_pos_bias",
      "use_fc_norm", "head_init_scale",
    ]
    try timm.refuseOthers(than: read)
    let arguments = timm.object
    try applySizes(arguments)
    qkvBias = try arguments.bool("qkv_bias") ?? qkvBias
    if arguments.members["init_values"] != nil {
      layerScale = try arguments.double("init_values") ?? 0 != 0
    }
    hasPositionTable = try arguments.bool("use_abs_pos_emb") ?? hasPositionTable
    positionPrefix = hasPositionTable ? 1 : 0
    let isInBlocks = try arguments.bool("use_rel_pos_bias") ?? (relativeBias != nil)
    let isShared = try arguments.bool("use_shared_rel_pos_bias") ?? false
    relativeBias = RelativeBias.Tables(inBlocks: isInBlocks, shared: isShared)
    switch timm.pool {
    case nil: break
    case "token":
      pooling = .token
      (poolNorm, finalNorm) = (false, true)
    case "avg":
      pooling = .average
      (poolNorm, finalNorm) = (true, false)
    case let name?:
      throw Diagnostic(
        "unknown 'global_pool' '\(name)'", at: .file(arguments.path),
        hint: "vitc supports 'token' and 'avg'")
    }
    if let followsPooling = try arguments.bool("use_fc_norm") {
      (poolNorm, finalNorm) = (followsPooling, !followsPooling)
    }
    if patch > 0 { positionGrid = grid }
  }
}

extension RelativeBias.Tables {
  /// The tables that there are; `nil`: none.
  init?(inBlocks: Bool, shared: Bool) {
    switch (inBlocks, shared) {
    case (true, true): self = .both
    case (true, false): self = .each
    case (false, true): self = .shared
    case (false, false): return nil
    }
  }
}
