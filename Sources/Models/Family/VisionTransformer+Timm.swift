import Diagnostics
import IR

extension VisionTransformer {
  /// Applies the arguments of timm's class of this name.
  mutating func apply(_ timm: TimmArguments) throws(Diagnostic) {
    let read: Set<String> = [
      "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio",
      "qkv_bias", "init_values", "class_token", "no_embed_class", "reg_tokens", "pre_norm",
      "final_norm", "fc_norm", "act_layer", "norm_layer", "dynamic_img_pad",
    ]
    try timm.refuseOthers(
      than: read,
      defaults: [
        "pos_embed": .string("learn"), "proj_bias": .bool(true), "attn_layer": .string("attn"),
      ])
    let arguments = timm.object
    try applySizes(arguments)
    try applyPadding(arguments)
    try applyNorm(arguments)
    let embedsPrefix = positionPrefix == prefixTokens
    qkvBias = try arguments.bool("qkv_bias") ?? qkvBias
    if arguments.members["init_values"] != nil {
      // Where norms follow the branches, it is what their own weights are before training.
      layerScale = try arguments.double("init_values") ?? 0 != 0 && !normsFollow
    }
    hasClassToken = try arguments.bool("class_token") ?? hasClassToken
    registerTokens = try arguments.integer("reg_tokens") ?? registerTokens
    let omits = try arguments.bool("no_embed_class") ?? !embedsPrefix
    positionPrefix = omits ? 0 : prefixTokens
    if try arguments.bool("pre_norm") ?? preNorm {
      preNorm = true
      patchBias = false
    }
    try applyPooling(arguments, pool: timm.pool)
    try applyActivation(arguments)
    if patch > 0 { positionGrid = grid }
  }

  /// The function of the MLP.
  mutating func applyActivation(_ arguments: ConfigurationObject) throws(Diagnostic) {
    if let name = try Self.layer("act_layer", arguments) {
      let known: [String: ActivationFunction] = [
        "": .gelu, "gelu": .gelu, "gelu_tanh": .geluTanh, "quick_gelu": .quickGelu, "silu": .silu,
        "swish": .silu, "relu": .relu,
      ]
      guard let function = known[name.lowercased()] else {
        throw Diagnostic(
          "unknown 'model_args.act_layer' '\(name)'", at: .file(arguments.path),
          notes: [
            "known are \(known.keys.filter { !$0.isEmpty }.sorted().joined(separator: ", "))"
          ])
      }
      guard feedForward == .mlp || function == .silu else {
        throw Diagnostic(
          "'model_args.act_layer' is '\(name)', but a gated MLP is read with 'silu'",
          at: .file(arguments.path))
      }
      activation = function
    }
  }

  /// The name of a kind of layer, "" where the argument is there and empty or null: timm then takes
  /// its class's own, not the architecture's; `nil` where it is absent.
  private static func layer(
    _ key: String, _ arguments: ConfigurationObject
  ) throws(Diagnostic) -> String? {
    arguments.members[key] == nil ? nil : try arguments.string(key) ?? ""
  }

  /// The classes' own epsilon is 1e-6, whatever the architecture's; none named stands for the layer
  /// norm.
  private mutating func applyNorm(_ arguments: ConfigurationObject) throws(Diagnostic) {
    guard let name = try Self.layer("norm_layer", arguments) else { return }
    // timm: get_norm_layer.
    switch name.replacing("_", with: "").lowercased() {
    case "", "layernorm", "layernormfp32": normKind = .layer
    case "rmsnorm": normKind = .rootMeanSquare
    default:
      throw Diagnostic(
        "'model_args.norm_layer' is '\(name)', which vitc does not support here",
        at: .file(arguments.path), hint: "vitc supports 'layernorm' and 'rmsnorm'")
    }
    layerNormEpsilon = 1e-6
  }

  /// Images of whole patches are not padded.
  private func applyPadding(_ arguments: ConfigurationObject) throws(Diagnostic) {
    guard try arguments.bool("dynamic_img_pad") ?? false, patch > 0,
      imageHeight % patch != 0 || imageWidth % patch != 0
    else { return }
    throw Diagnostic(
      "'model_args.dynamic_img_pad' pads images of \(imageHeight)x\(imageWidth) to whole patches "
        + "of \(patch), which vitc does not do", at: .file(arguments.path),
      hint: "say an 'img_size' that the patch size divides")
  }

  mutating func applySizes(_ arguments: ConfigurationObject) throws(Diagnostic) {
    if let image = try arguments.extent("img_size") {
      (imageHeight, imageWidth) = image
    }
    if let patch = try arguments.extent("patch_size") {
      guard patch.height == patch.width, patch.height > 0 else {
        throw Diagnostic(
          "'model_args.patch_size' is \(patch.height)x\(patch.width), expected a square",
          at: .file(arguments.path))
      }
      self.patch = patch.height
    }
    let ratio = mlpRatio ?? Double(mlpHidden) / Double(dim)
    channels = try arguments.integer("in_chans") ?? channels
    dim = try arguments.integer("embed_dim") ?? dim
    depth = try arguments.integer("depth") ?? depth
    heads = try arguments.integer("num_heads") ?? heads
    if arguments.value("embed_dim") != nil || arguments.value("mlp_ratio") != nil {
      // timm: int(dim * mlp_ratio), where a gated MLP's ratio counts both halves unless the class
      // is `Eva`.
      let countsBoth = feedForward == .gated && timmClass == .visionTransformer
      var factor = countsBoth ? 2 * ratio : ratio
      factor = try arguments.double("mlp_ratio") ?? factor
      guard factor > 0, factor < 1000,
        let width = Int(exactly: (Double(dim) * factor).rounded(.down))
      else {
        throw Diagnostic(
          "'model_args.mlp_ratio' is \(factor), expected 0 to 1000", at: .file(arguments.path))
      }
      mlpHidden = countsBoth ? width / 2 : width
    }
  }

  /// timm: with pooling by mean the norm comes after it (`fc_norm`) unless `fc_norm` is false;
  /// with the class token it comes before.
  mutating func applyPooling(
    _ arguments: ConfigurationObject, pool: String?
  ) throws(Diagnostic) {
    let hasNorm = try arguments.bool("final_norm") ?? (finalNorm || poolNorm)
    var normFollows = poolNorm
    switch pool {
    case nil: break
    case "map" where pooling != .distilled:
      if pooling == .average { normFollows = false }
      pooling = .attention
    case "token":
      if pooling == .average || pooling == .attention {
        pooling = .token
        normFollows = false
      }
    case "avg":
      guard pooling != .distilled else {
        throw Diagnostic(
          "'global_pool' is 'avg', but two heads read two tokens", at: .file(arguments.path))
      }
      if pooling != .average {
        pooling = .average
        normFollows = true
      }
    case let name?:
      throw Diagnostic(
        "unknown 'global_pool' '\(name)'", at: .file(arguments.path),
        hint: "vitc supports 'token', 'avg' and 'map'")
    }
    normFollows = try arguments.bool("fc_norm") ?? normFollows
    finalNorm = hasNorm && !normFollows
    poolNorm = hasNorm && normFollows
  }
}
