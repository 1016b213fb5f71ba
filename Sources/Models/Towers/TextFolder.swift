import Diagnostics
import Files
import IR

/// Reads the text tower of a folder with two towers: transformers' CLIP, MetaCLIP 2, SigLIP, SigLIP
/// 2 and AIMv2, and OpenCLIP's of its own text transformer.
enum TextFolder {
  static func read(path: String) throws(Diagnostic) -> TextTower {
    let configuration = Path.joining(path, "config.json")
    let openCLIP = Path.joining(path, OpenCLIPFolder.fileName)
    var tower: TextTower
    if Path.exists(configuration) {
      tower = try transformers(ConfigurationFile(path: configuration).root, Path.name(of: path))
    } else if Path.exists(openCLIP) {
      tower = try OpenCLIPText.read(ConfigurationFile(path: openCLIP).root, Path.name(of: path))
    } else {
      throw Diagnostic(
        "the folder has no config.json", at: .file(path),
        hint: "a model folder holds config.json and model.safetensors, as on the Hugging Face hub")
    }
    do {
      try tower.check()
    } catch {
      var located = error
      located.location = .file(Path.exists(configuration) ? configuration : openCLIP)
      throw located
    }
    return tower
  }

  /// What towers that vitc does not have are, by `model_type`.
  private static let others = [
    "altclip": "XLM-RoBERTa", "chinese_clip": "BERT", "clipseg": "CLIP's for segmentation",
    "owlvit": "of a detector", "owlv2": "of a detector", "blip": "BERT with cross-attention",
    "blip-2": "a language model", "align": "BERT", "flava": "of FLAVA",
  ]

  private static func transformers(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> TextTower {
    guard root.value("architecture") == nil else {
      throw Diagnostic(
        "a folder of timm has an image encoder alone, there is no text tower",
        at: .file(root.path))
    }
    guard let type = try root.string("model_type") else { throw root.absent("model_type") }
    let text = try root.part("text_config")
    switch type {
    case "clip": return try clip(root, text, name, keepsOldEnd: true)
    case "metaclip_2": return try clip(root, text, name, keepsOldEnd: false)
    case "siglip", "siglip2": return try siglip(text, name)
    case "aimv2": return try aimv2(root, text, name)
    default:
      throw Diagnostic(
        others[type].map { "the text tower of '\(type)' is \($0), which vitc does not have" }
          ?? "model_type '\(type)' has no text tower that vitc knows", at: .file(root.path),
        hint: "there are those of clip, metaclip_2, siglip, siglip2 and aimv2")
    }
  }

  /// The sizes that all have, by transformers' keys.
  private static func tower(
    _ text: ConfigurationObject, _ name: String, _ defaults: Defaults, end: TextInput.End,
    isCausal: Bool, activation: String, epsilon: Double, _ names: TextNaming.Origin,
    _ rule: TextComparison.Rule
  ) throws(Diagnostic) -> TextTower {
    var facts = ModelFacts(name: name, image: 1, classes: 0)
    facts.numerics = .huggingFace
    facts.preprocessingRefusal = TextTower.readsTokens
    return TextTower(
      facts: facts,
      input: TextInput(
        positions: try text.integer("max_position_embeddings") ?? defaults.positions,
        vocabulary: try text.integer("vocab_size") ?? defaults.vocabulary, end: end,
        isCausal: isCausal),
      dim: try text.integer("hidden_size") ?? defaults.dim,
      depth: try text.integer("num_hidden_layers") ?? 12,
      heads: try text.integer("num_attention_heads") ?? defaults.heads,
      mlpHidden: try text.integer("intermediate_size") ?? defaults.mlpHidden,
      activation: try ActivationFunction(text, "hidden_act", default: activation),
      norm: Normalization(epsilon: epsilon), projection: .none, names: names, rule: rule)
  }

  /// Sizes that a file leaves out.
  private struct Defaults {
    var positions, vocabulary, dim, heads, mlpHidden: Int

    static let clip = Defaults(
      positions: 77, vocabulary: 49408, dim: 512, heads: 8, mlpHidden: 2048)
    static let siglip = Defaults(
      positions: 64, vocabulary: 32000, dim: 768, heads: 12, mlpHidden: 3072)
    static let aimv2 = Defaults(
      positions: 77, vocabulary: 49408, dim: 768, heads: 6, mlpHidden: 2048)
  }

  /// The row of the first end-of-text; `keepsOldEnd`: files that say 2, which once was wrong, mean
  /// the largest token, as transformers reads them.
  private static func clip(
    _ root: ConfigurationObject, _ text: ConfigurationObject, _ name: String, keepsOldEnd: Bool
  ) throws(Diagnostic) -> TextTower {
    let token = try text.integer("eos_token_id") ?? 49407
    var tower = try tower(
      text, name, .clip, end: keepsOldEnd && token == 2 ? .largest : .first(token),
      isCausal: true, activation: "quick_gelu",
      epsilon: try text.double("layer_norm_eps") ?? 1e-5,
      .transformers(isProjectionInside: false), .init(scores: .softmax))
    tower.projection = .linear(width: try root.integer("projection_dim") ?? 512, hasBias: false)
    return tower
  }

  /// The last row, whatever it is: texts are filled up to all positions, and nothing is masked.
  private static func siglip(
    _ text: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> TextTower {
    var tower = try tower(
      text, name, .siglip, end: .last, isCausal: false, activation: "gelu_pytorch_tanh",
      epsilon: try text.double("layer_norm_eps") ?? 1e-6,
      .transformers(isProjectionInside: true), .init(scores: .sigmoid))
    tower.projection = .linear(
      width: try text.integer("projection_size") ?? tower.dim, hasBias: true)
    return tower
  }

  /// Causal, as with the mask of its tokenizer; without one, and with SDPA where nothing is padded,
  /// transformers 5.23 masks nothing.
  private static func aimv2(
    _ root: ConfigurationObject, _ text: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> TextTower {
    let largest = try root.double("max_logit_scale") ?? 100
    guard largest >= 1 else {
      throw Diagnostic(
        "'max_logit_scale' is \(largest), expected 1 or more", at: .file(root.path))
    }
    var tower = try tower(
      text, name, .aimv2, end: .first(try text.integer("eos_token_id") ?? 49407), isCausal: true,
      activation: "silu", epsilon: try text.double("rms_norm_eps") ?? 1e-5, .aimv2,
      .init(scores: .softmax, largestScale: largest))
    guard tower.activation == .silu else {
      throw Diagnostic(
        "'\(text.prefix)hidden_act' is '\(tower.activation.rawValue)', but a gated MLP is read "
          + "with 'silu'", at: .file(text.path))
    }
    tower.norm.kind = .rootMeanSquare
    tower.feedForward = .gatedApart
    tower.hasAttentionBias = try text.bool("qkv_bias") ?? false
    tower.hasMLPBias = try text.bool("mlp_bias") ?? false
    tower.projection = .linear(width: try root.integer("projection_dim") ?? 512, hasBias: false)
    return tower
  }
}
