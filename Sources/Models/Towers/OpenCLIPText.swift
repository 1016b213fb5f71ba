import Diagnostics
import IR
import JSON

/// Reads the text tower of OpenCLIP's `open_clip_config.json`: its own text transformer.
enum OpenCLIPText {
  /// Keys that say what is read here, or nothing that changes a result.
  private static let read: Set<String> = [
    "context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "ls_init_value",
    "pad_id", "eos_id", "no_causal_mask", "final_ln_after_pool", "pool_type", "proj_bias",
    "proj_type", "output_tokens", "act_kwargs", "norm_kwargs", "block_type",
    // The tokenizer.
    "hf_tokenizer_name", "tokenizer_mode", "tokenizer_kwargs",
    // Without the name of a model these mean nothing.
    "hf_model_pretrained", "hf_proj_type", "hf_pooler_type",
  ]

  static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> TextTower {
    guard let whole = try root.object("model_cfg") else { throw root.absent("model_cfg") }
    guard let text = try whole.object("text_cfg") else { throw whole.absent("text_cfg") }
    guard let embedding = try whole.integer("embed_dim") else { throw whole.absent("embed_dim") }
    try refuseOthers(whole, text)
    let dim = try text.integer("width") ?? 512
    var facts = ModelFacts(name: name, image: 1, classes: 0)
    facts.numerics = .timm
    facts.preprocessingRefusal = TextTower.readsTokens
    let input = TextInput(
      positions: try text.integer("context_length") ?? 77,
      vocabulary: try text.integer("vocab_size") ?? 49408, end: try end(text),
      isCausal: !(try text.bool("no_causal_mask") ?? false))
    let hasBias = try text.bool("proj_bias") ?? false
    var tower = TextTower(
      facts: facts, input: input, dim: dim, depth: try text.integer("layers") ?? 12,
      heads: try text.integer("heads") ?? 8,
      mlpHidden: try text.width("mlp_ratio", of: dim, default: 4),
      activation: try activation(whole, text), norm: Normalization(epsilon: try epsilon(text)),
      projection: .linear(width: embedding, hasBias: hasBias),
      names: .openCLIP(isProjectionLayer: hasBias), rule: .init())
    tower.layerScale = text.value("ls_init_value") != nil
    switch try text.string("proj_type") ?? "linear" {
    case "linear": break
    case "none": tower.projection = .none
    case let type:
      throw Diagnostic(
        "unknown '\(text.prefix)proj_type' '\(type)'", at: .file(text.path),
        hint: "vitc supports 'linear' and 'none'")
    }
    return tower
  }

  /// Throws where the tower is another class's, or has what vitc does not.
  private static func refuseOthers(
    _ whole: ConfigurationObject, _ text: ConfigurationObject
  ) throws(Diagnostic) {
    if whole.value("multimodal_cfg") != nil {
      throw Diagnostic(
        "'\(whole.prefix)multimodal_cfg' is there: the text tower is CoCa's, which vitc does not "
          + "have", at: .file(whole.path))
    }
    if let name = try text.string("hf_model_name") {
      throw Diagnostic(
        "the text tower is transformers' '\(name)', which vitc does not have",
        at: .file(text.path), hint: "vitc has OpenCLIP's own text transformer")
    }
    if let type = try text.string("block_type"), type != "default" {
      throw Diagnostic(
        "'\(text.prefix)block_type' is '\(type)', which vitc does not support",
        at: .file(text.path))
    }
    for (key, value) in text.members.sorted(by: { $0.key < $1.key })
    where !read.contains(key) && value != .null && value != .bool(false) {
      throw Diagnostic(
        "'\(text.prefix)\(key)' is \(value.described), which vitc does not support",
        at: .file(text.path), hint: Suggestion.hint(for: key, in: read.sorted()))
    }
  }

  private static func end(_ text: ConfigurationObject) throws(Diagnostic) -> TextInput.End {
    switch try text.string("pool_type") ?? "argmax" {
    case "argmax": return .largest
    case "eos": return .first(try text.integer("eos_id") ?? 2)
    case "last": return .last
    case "first": return .start
    case let type:
      throw Diagnostic(
        "unknown '\(text.prefix)pool_type' '\(type)'", at: .file(text.path),
        hint: "vitc supports 'argmax', 'eos', 'last' and 'first'")
    }
  }

  /// GELU, which `quick_gelu` and `act_kwargs` change; both at once fail in OpenCLIP.
  private static func activation(
    _ whole: ConfigurationObject, _ text: ConfigurationObject
  ) throws(Diagnostic) -> ActivationFunction {
    let isQuick = try whole.bool("quick_gelu") ?? false
    let arguments = try text.object("act_kwargs")
    for key in (arguments?.members ?? [:]).keys.sorted() where key != "approximate" {
      throw Diagnostic(
        "'\(text.prefix)act_kwargs.\(key)' is there, which vitc does not support",
        at: .file(text.path))
    }
    switch try arguments?.string("approximate") {
    case nil: return isQuick ? .quickGelu : .gelu
    case "none" where !isQuick: return .gelu
    case "tanh" where !isQuick: return .geluTanh
    case let word?:
      throw Diagnostic(
        "'\(text.prefix)act_kwargs.approximate' is '\(word)', which vitc does not support"
          + (isQuick ? " with 'quick_gelu'" : ""), at: .file(text.path),
        hint: "vitc supports 'tanh' and 'none'")
    }
  }

  private static func epsilon(_ text: ConfigurationObject) throws(Diagnostic) -> Double {
    let arguments = try text.object("norm_kwargs")
    for key in (arguments?.members ?? [:]).keys.sorted() where key != "eps" {
      throw Diagnostic(
        "'\(text.prefix)norm_kwargs.\(key)' is there, which vitc does not support",
        at: .file(text.path))
    }
    return try arguments?.double("eps") ?? 1e-5
  }
}
