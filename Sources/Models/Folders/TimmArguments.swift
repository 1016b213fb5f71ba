import Diagnostics
import IR

/// The arguments that timm's `VisionTransformer` or `ResNetV2` was made with, on top of its
/// architecture's.
enum TimmArguments {
  /// Arguments that do not change inference.
  private static let harmless: Set<String> = [
    "drop_rate", "pos_drop_rate", "patch_drop_rate", "proj_drop_rate", "attn_drop_rate",
    "drop_path_rate", "weight_init", "fix_init", "dynamic_img_size", "strict_img_size",
    "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "scriptable",
    "exportable", "num_classes", "global_pool", "cache_dir", "features_only",
  ]

  static func apply(
    _ arguments: ConfigurationObject, pool: String?, to model: inout ViTConfiguration
  ) throws(Diagnostic) {
    let read: Set<String> = [
      "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio",
      "qkv_bias", "init_values", "class_token", "no_embed_class", "reg_tokens", "pre_norm",
      "final_norm", "fc_norm", "act_layer",
    ]
    try refuseOthers(arguments, read)
    try applySizes(arguments, to: &model)
    let embedsPrefix = model.positionPrefix == model.prefixTokens
    model.qkvBias = try arguments.bool("qkv_bias") ?? model.qkvBias
    if arguments.value("init_values") != nil {
      _ = try arguments.double("init_values")
      model.layerScale = true
    }
    model.hasClassToken = try arguments.bool("class_token") ?? model.hasClassToken
    model.registerTokens = try arguments.integer("reg_tokens") ?? model.registerTokens
    let omits = try arguments.bool("no_embed_class") ?? !embedsPrefix
    model.positionPrefix = omits ? 0 : model.prefixTokens
    if try arguments.bool("pre_norm") ?? model.preNorm {
      model.preNorm = true
      model.patchBias = false
    }
    try applyPooling(arguments, pool: pool, to: &model)
    if let name = try arguments.string("act_layer") {
      let known: [String: ActivationFunction] = [
        "gelu": .gelu, "gelu_tanh": .geluTanh, "quick_gelu": .quickGelu, "silu": .silu,
        "swish": .silu, "relu": .relu,
      ]
      guard let function = known[name] else {
        throw Diagnostic(
          "unknown 'model_args.act_layer' '\(name)'", at: .file(arguments.path),
          notes: ["known are \(known.keys.sorted().joined(separator: ", "))"])
      }
      guard model.feedForward == .mlp || function == .silu else {
        throw Diagnostic(
          "'model_args.act_layer' is '\(name)', but a gated MLP is read with 'silu'",
          at: .file(arguments.path))
      }
      model.activation = function
    }
  }

  /// Throws if there is an argument that matters and is not read.
  private static func refuseOthers(
    _ arguments: ConfigurationObject, _ read: Set<String>
  ) throws(Diagnostic) {
    for (key, value) in arguments.members.sorted(by: { $0.key < $1.key })
    where !read.contains(key) && !harmless.contains(key) && value != .null && value != .bool(false)
    {
      throw Diagnostic(
        "'model_args.\(key)' is \(value.described), which vitc does not know",
        at: .file(arguments.path), hint: Suggestion.hint(for: key, in: read.sorted()))
    }
  }

  static func apply(
    _ arguments: ConfigurationObject, pool: String?, to model: inout ResNetConfiguration
  ) throws(Diagnostic) {
    try refuseOthers(arguments, ["in_chans", "channels", "stem_chs"])
    if let pool, pool != "avg" {
      throw Diagnostic(
        "unknown 'global_pool' '\(pool)'", at: .file(arguments.path),
        hint: "vitc knows 'avg' for a ResNet")
    }
    model.channels = try arguments.integer("in_chans") ?? model.channels
    // timm multiplies both by the width factor, which the architecture's name implies.
    let factor = model.trunk.stemWidth / 64
    if let width = try arguments.integer("stem_chs") {
      model.trunk.stemWidth = try scaled(width, factor, "stem_chs", arguments)
    }
    if let widths = try arguments.integers("channels") {
      var scaledWidths: [Int] = []
      for width in widths {
        scaledWidths.append(try scaled(width, factor, "channels", arguments))
      }
      model.trunk.widths = scaledWidths
    }
  }

  private static func scaled(
    _ width: Int, _ factor: Int, _ key: String, _ arguments: ConfigurationObject
  ) throws(Diagnostic) -> Int {
    guard (1...1 << 16).contains(width) else {
      throw Diagnostic(
        "'model_args.\(key)' is \(width), expected 1 to \(1 << 16)", at: .file(arguments.path))
    }
    return width * factor
  }

  private static func applySizes(
    _ arguments: ConfigurationObject, to model: inout ViTConfiguration
  ) throws(Diagnostic) {
    if let image = try arguments.extent("img_size") {
      (model.imageHeight, model.imageWidth) = image
    }
    if let patch = try arguments.extent("patch_size") {
      guard patch.height == patch.width, patch.height > 0 else {
        throw Diagnostic(
          "'model_args.patch_size' is \(patch.height)x\(patch.width), expected a square",
          at: .file(arguments.path))
      }
      model.patch = patch.height
    }
    let ratio = Double(model.mlpHidden) / Double(model.dim)
    model.channels = try arguments.integer("in_chans") ?? model.channels
    model.dim = try arguments.integer("embed_dim") ?? model.dim
    model.depth = try arguments.integer("depth") ?? model.depth
    model.heads = try arguments.integer("num_heads") ?? model.heads
    if arguments.value("embed_dim") != nil || arguments.value("mlp_ratio") != nil {
      // timm: int(dim * mlp_ratio), where the gated MLP's ratio counts both halves.
      var factor = model.feedForward == .gated ? 2 * ratio : ratio
      factor = try arguments.double("mlp_ratio") ?? factor
      guard factor > 0, factor < 1000,
        let width = Int(exactly: (Double(model.dim) * factor).rounded(.down))
      else {
        throw Diagnostic(
          "'model_args.mlp_ratio' is \(factor), expected 0 to 1000", at: .file(arguments.path))
      }
      model.mlpHidden = model.feedForward == .gated ? width / 2 : width
    }
  }

  /// timm: with pooling by mean the norm comes after it (`fc_norm`) unless `fc_norm` is false;
  /// with the class token it comes before.
  private static func applyPooling(
    _ arguments: ConfigurationObject, pool: String?, to model: inout ViTConfiguration
  ) throws(Diagnostic) {
    let hasNorm = try arguments.bool("final_norm") ?? (model.finalNorm || model.poolNorm)
    var normFollows = model.poolNorm
    switch pool {
    case nil: break
    case "token":
      if model.pooling == .average {
        model.pooling = .token
        normFollows = false
      }
    case "avg":
      guard model.pooling != .distilled else {
        throw Diagnostic(
          "'global_pool' is 'avg', but two heads read two tokens", at: .file(arguments.path))
      }
      if model.pooling != .average {
        model.pooling = .average
        normFollows = true
      }
    case let name?:
      throw Diagnostic(
        "unknown 'global_pool' '\(name)'", at: .file(arguments.path),
        hint: "vitc knows 'token' and 'avg'")
    }
    normFollows = try arguments.bool("fc_norm") ?? normFollows
    model.finalNorm = hasNorm && !normFollows
    model.poolNorm = hasNorm && normFollows
  }
}
