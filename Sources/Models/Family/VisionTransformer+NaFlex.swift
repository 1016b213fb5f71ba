import Diagnostics
import IR

extension VisionTransformer {
  /// Applies the arguments of timm's class `NaFlexVit`, the fields of its `NaFlexVitCfg`.
  mutating func applyNaFlex(_ timm: TimmArguments) throws(Diagnostic) {
    let read: Set<String> = [
      "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio",
      "qkv_bias", "init_values", "class_token", "reg_tokens", "pre_norm", "final_norm", "fc_norm",
      "act_layer", "pos_embed", "pos_embed_grid_size", "pos_embed_interp_mode",
      "pos_embed_ar_preserving", "pos_embed_antialias", "pos_embed_align_corners",
      "embed_proj_type", "patchify_channels_last", "attn_pool_num_heads", "attn_pool_mlp_ratio",
      "pool_include_prefix",
    ]
    try timm.refuseOthers(
      than: read,
      defaults: [
        "proj_bias": .bool(true), "attn_type": .string("standard"), "rope_type": .string("none"),
        // The class has another way for rows of patches alone, and masks of those.
        "use_key_only_attn_mask": .bool(true), "pos_embed_use_grid_sample": .bool(true),
        "qkv_fused": .bool(true), "enable_patch_interpolator": .bool(true),
      ])
    let arguments = timm.object
    try applySizes(arguments)
    qkvBias = try arguments.bool("qkv_bias") ?? qkvBias
    if arguments.members["init_values"] != nil {
      layerScale = try arguments.double("init_values") != nil
    }
    hasClassToken = try arguments.bool("class_token") ?? hasClassToken
    registerTokens = try arguments.integer("reg_tokens") ?? registerTokens
    positionPrefix = 0
    if try arguments.bool("pre_norm") ?? preNorm {
      preNorm = true
      patchBias = false
    }
    try applyNaFlexPooling(arguments, pool: timm.pool)
    poolsPrefix = try arguments.bool("pool_include_prefix") ?? poolsPrefix
    guard pooling != .average || !poolsPrefix else {
      throw Diagnostic(
        "'model_args.pool_include_prefix' goes with the pooling 'map' alone",
        at: .file(arguments.path))
    }
    try applyPoolSizes(arguments)
    try applyActivation(arguments)
    try applyNaFlexEmbedding(arguments)
    try applyNaFlexPositions(arguments)
  }

  /// The pooling, and the norms that follow from it; where nothing is said of those, the mean is
  /// followed by one.
  private mutating func applyNaFlexPooling(
    _ arguments: ConfigurationObject, pool: String?
  ) throws(Diagnostic) {
    switch pool {
    case nil: break
    case "token": pooling = .token
    case "avg": pooling = .average
    case "map": pooling = .attention
    case let name?:
      throw Diagnostic(
        "unknown 'global_pool' '\(name)'", at: .file(arguments.path),
        hint: "vitc supports 'token', 'avg' and 'map'")
    }
    if arguments.members["fc_norm"] != nil { lastNorms.pooled = try arguments.bool("fc_norm") }
    let follows = lastNorms.pooled ?? (pooling == .average)
    let hasNorm = try arguments.bool("final_norm") ?? (finalNorm || poolNorm)
    finalNorm = hasNorm && !follows
    poolNorm = hasNorm && follows
  }

  /// How patches are projected.
  private mutating func applyNaFlexEmbedding(
    _ arguments: ConfigurationObject
  ) throws(Diagnostic) {
    let channelsLast =
      try arguments.bool("patchify_channels_last") ?? (patchLayout != .channelsFirst)
    let isLinear =
      arguments.members["embed_proj_type"] == nil
      ? patchLayout != .convolution : try arguments.string("embed_proj_type") == "linear"
    patchLayout = !isLinear ? .convolution : channelsLast ? .channelsLast : .channelsFirst
  }

  /// The table of positions, and how it is resized.
  private mutating func applyNaFlexPositions(
    _ arguments: ConfigurationObject
  ) throws(Diagnostic) {
    if arguments.members["pos_embed"] != nil {
      let kind = try arguments.string("pos_embed") ?? ""
      hasPositionTable = kind != "" && kind != "none"
      switch kind {
      case "", "none", "learned": positionStorage = .grid
      case "factorized": positionStorage = .axes
      default:
        throw Diagnostic(
          "unknown 'model_args.pos_embed' '\(kind)'", at: .file(arguments.path),
          hint: "vitc supports 'learned', 'factorized' and 'none'")
      }
    }
    if let size = try arguments.extent("pos_embed_grid_size") {
      positionGrid = [size.height, size.width]
    }
    if try arguments.bool("pos_embed_ar_preserving") ?? (positionFit == .croppedSquare) {
      positionFit = .croppedSquare
    } else {
      positionFit = .grid
    }
    let mode =
      try arguments.string("pos_embed_interp_mode")
      ?? ([.bicubic, .bicubicAntialiased].contains(positionResize) ? "bicubic" : "bilinear")
    let antialiased =
      try arguments.bool("pos_embed_antialias")
      ?? [.bicubicAntialiased, .bilinearAntialiased].contains(positionResize)
    let corners =
      try arguments.bool("pos_embed_align_corners") ?? (positionResize == .bilinearCorners)
    switch (mode, antialiased, corners) {
    case ("bicubic", true, false): positionResize = .bicubicAntialiased
    case ("bicubic", false, false): positionResize = .bicubic
    case ("bilinear", true, false): positionResize = .bilinearAntialiased
    case ("bilinear", false, false): positionResize = .bilinear
    case ("bilinear", false, true): positionResize = .bilinearCorners
    default:
      throw Diagnostic(
        "positions are resized '\(mode)' \(antialiased ? "with" : "without") antialias and "
          + "\(corners ? "with" : "without") corners on corners, which vitc does not support",
        at: .file(arguments.path),
        hint: "vitc supports 'bicubic' and 'bilinear', corners on corners with 'bilinear' alone")
    }
  }
}
