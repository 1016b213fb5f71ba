import Diagnostics

extension VisionTransformer {
  /// Applies the arguments of timm's class `Eva`, for architectures that say themselves where their
  /// last norm is.
  mutating func applyEva(_ timm: TimmArguments) throws(Diagnostic) {
    let read: Set<String> = [
      "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio",
      "qkv_bias", "init_values", "num_reg_tokens", "use_fc_norm", "rope_temperature",
    ]
    try timm.refuseOthers(than: read)
    let arguments = timm.object
    try applySizes(arguments)
    if mlpAlignment > 0 {
      mlpHidden = (mlpHidden + mlpAlignment - 1) / mlpAlignment * mlpAlignment
    }
    qkvBias = try arguments.bool("qkv_bias") ?? qkvBias
    if arguments.value("init_values") != nil {
      _ = try arguments.double("init_values")
      layerScale = true
    }
    registerTokens = try arguments.integer("num_reg_tokens") ?? registerTokens
    if let base = try arguments.double("rope_temperature") { rotary?.base = base }
    if let followsPooling = try arguments.bool("use_fc_norm") {
      (poolNorm, finalNorm) = (followsPooling, !followsPooling)
    }
    switch timm.pool {
    case nil: break
    case "token": pooling = .token
    case "avg": pooling = .average
    case let name?:
      throw Diagnostic(
        "unknown 'global_pool' '\(name)'", at: .file(arguments.path),
        hint: "vitc supports 'token' and 'avg'")
    }
    if patch > 0 { positionGrid = grid }
  }
}
