import Foundation
import SeededRandom

/// A small Vision Transformer with every choice drawn, as timm's `config.json` says it.
///
/// The same seed gives the same model, on any machine.
public struct RandomModel: CustomStringConvertible {
  /// What it is drawn from.
  public let seed: UInt64
  /// The file's contents: legal for vitc and for timm.
  public let configuration: [String: Any]
  /// `true` iff it has windows or relative positions.
  public let hasWindows: Bool
  /// What the library returns.
  public let outputs: [String]

  /// An architecture: what `model_args` cannot say.
  private struct Architecture {
    var name: String
    /// `true` iff there is no class token.
    var isPooled = false
    /// `true` iff two heads read two tokens.
    var isDistilled = false
    /// `true` iff the MLP is gated, by SiLU alone.
    var isGated = false
    /// What a head's width is a multiple of.
    var multiple = 1
    /// `true` iff timm's class `Eva` makes it, whose arguments are others.
    var isEva = false
    /// The same of `NaFlexVit`.
    var isNaFlex = false
  }

  private static let architectures: [Architecture] = [
    .init(name: "vit_tiny_patch16_224"),
    .init(name: "vit_base_patch16_gap_224", isPooled: true),
    .init(name: "vit_base_patch16_224_miil"),
    .init(name: "vit_medium_patch16_reg4_gap_256", isPooled: true),
    .init(name: "deit_tiny_patch16_224"),
    .init(name: "deit_tiny_distilled_patch16_224", isDistilled: true),
    .init(name: "deit3_small_patch16_224"),
    .init(name: "vit_small_patch14_dinov2"),
    .init(name: "vit_small_patch14_reg4_dinov2"),
    .init(name: "vit_giant_patch14_dinov2", isGated: true),
    .init(name: "vit_base_patch32_clip_quickgelu_224"),
    .init(name: "vit_base_patch32_siglip_gap_256", isPooled: true),
    .init(name: "vit_so150m_patch16_reg4_gap_256", isPooled: true),
    // A learned query that gathers.
    .init(name: "vit_base_patch16_siglip_224", isPooled: true),
    .init(name: "vit_so150m_patch16_reg4_map_256", isPooled: true),
    .init(name: "vit_intern300m_patch14_448"),
    // Norms inside, RMS norms, blocks of other forms.
    .init(name: "beit3_base_patch16_224"),
    .init(name: "aimv2_large_patch14_224", isPooled: true, isGated: true),
    .init(name: "vit_small_patch16_18x2_224"),
    .init(name: "vit_base_patch16_xp_224"),
    .init(name: "vit_base_patch16_rpn_224", isPooled: true),
    .init(name: "vit_dwee_patch16_reg1_gap_256", isPooled: true, multiple: 2),
    .init(name: "vit_dpwee_patch16_reg1_gap_256", isPooled: true, multiple: 2),
    // Rotations of halves, of neighbours, by learned frequencies; norms after the branches.
    .init(name: "vit_small_patch16_dinov3", multiple: 4, isEva: true),
    .init(name: "vit_small_plus_patch16_dinov3_qkvb", isGated: true, multiple: 4, isEva: true),
    .init(name: "eva02_tiny_patch14_336", isGated: true, multiple: 4, isEva: true),
    .init(name: "eva02_base_patch14_448", isGated: true, multiple: 4, isEva: true),
    .init(name: "eva02_base_patch16_clip_224", isGated: true, multiple: 4, isEva: true),
    .init(name: "eva02_enormous_patch14_clip_224", isEva: true),
    .init(name: "vit_pe_core_base_patch16_224", multiple: 4, isEva: true),
    .init(name: "vit_pe_lang_large_patch14_448", multiple: 4, isEva: true),
    .init(name: "vit_base_patch16_rope_ape_224", multiple: 4, isEva: true),
    .init(name: "vit_base_patch16_rope_mixed_224", multiple: 2, isEva: true),
    .init(name: "vit_large_patch16_sapiens2", isGated: true, multiple: 4, isEva: true),
    // Positions of a grid of their own, of two axes, cropped from a square.
    .init(name: "naflexvit_base_patch16_gap", isNaFlex: true),
    .init(name: "naflexvit_base_patch16_parfac_gap", isNaFlex: true),
    .init(name: "naflexvit_so150m2_patch16_reg1_map", isNaFlex: true),
    .init(name: "naflexvit_base_patch16_siglip", isNaFlex: true),
    .init(name: "naflexvit_base_patch16_radio_v3", isNaFlex: true),
  ]

  /// Draws a model: of five, one with windows or relative positions.
  public init(seed: UInt64) {
    self.seed = seed
    var random = SplitMix64(seed: seed)
    hasWindows = Int.random(in: 0..<5, using: &random) == 0
    configuration = hasWindows ? Self.windowed(&random) : Self.transformer(&random)
    var outputs = [configuration["num_classes"] as? Int == 0 ? "features" : "logits"]
    let isDistilled = "\(configuration)".contains("distilled")
    if Int.random(in: 0..<100, using: &random) < 20, !isDistilled { outputs.append("tokens") }
    self.outputs = outputs
  }

  /// The file's contents, of a model whose tokens all attend to each other.
  private static func transformer(_ random: inout SplitMix64) -> [String: Any] {
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    func pick<T>(_ list: [T]) -> T { list[Int.random(in: list.indices, using: &random)] }

    let architecture = pick(architectures)
    let patch = pick([2, 3, 4, 5, 7, 8])
    let heads = Int.random(in: 1...4, using: &random)
    // Narrower ones make of a rounding error whatever layer norm likes.
    let headDim = pick(
      [4, 5, 7, 8, 11, 16, 20, 32, 33, 64].filter { $0 % architecture.multiple == 0 })
    // One head of 4 is a width at which layer norm makes much of little.
    let dim = heads * (heads == 1 ? max(8, headDim) : headDim)
    let side = { (random: inout SplitMix64) in patch * Int.random(in: 1...6, using: &random) }
    var arguments: [String: Any] = [
      "patch_size": patch, "embed_dim": dim, "num_heads": heads,
      "depth": Int.random(in: 1...3, using: &random),
      "img_size": [side(&random), side(&random)],
    ]
    if chance(70) { arguments["mlp_ratio"] = pick([1.0, 1.5, 2.0, 2.5, 4.0]) }
    if chance(30) { arguments["qkv_bias"] = chance(50) }
    if chance(20) { arguments["init_values"] = 1e-5 }
    if !architecture.isEva {
      if chance(20) {
        let functions = ["silu", "gelu", "gelu_tanh", "quick_gelu", "relu"]
        arguments["act_layer"] = pick(architecture.isGated ? ["silu"] : functions)
      }
      if chance(15) { arguments["pre_norm"] = true }
    }
    let classes = chance(15) ? 0 : Int.random(in: 1...45, using: &random)
    var pool: String?
    if architecture.isEva {
      if chance(30) { arguments["num_reg_tokens"] = Int.random(in: 0...3, using: &random) }
      // The pooling's own 8 heads divide few of these widths.
      arguments["attn_pool_num_heads"] = heads
      if architecture.name.contains("sapiens") {
        arguments["num_kv_heads"] = pick((1...heads).filter { heads % $0 == 0 })
      }
      if !architecture.name.contains("pe_core") {
        if chance(30) { pool = pick(["avg", "token"]) }
        if chance(20) { arguments["use_fc_norm"] = chance(50) }
      }
    } else if architecture.isNaFlex {
      arguments["pos_embed_grid_size"] = [
        Int.random(in: 1...6, using: &random), Int.random(in: 1...6, using: &random),
      ]
      if chance(30) { arguments["pos_embed"] = pick(["learned", "factorized", "none"]) }
      if chance(30) { arguments["pos_embed_ar_preserving"] = chance(50) }
      if chance(30) { arguments["embed_proj_type"] = pick(["linear", "conv"]) }
      if chance(30) { arguments["reg_tokens"] = Int.random(in: 0...3, using: &random) }
      if chance(30) {
        arguments["class_token"] = true
        pool = pick(["token", "avg"])
      }
    } else if !architecture.isDistilled {
      if chance(30) { arguments["reg_tokens"] = Int.random(in: 0...3, using: &random) }
      if chance(20) { arguments["no_embed_class"] = chance(50) }
      if chance(30) { pool = "avg" }
      if chance(20) { arguments["fc_norm"] = chance(50) }
    }
    var configuration: [String: Any] = [
      "architecture": architecture.name, "num_classes": classes, "model_args": arguments,
    ]
    if let pool { configuration["global_pool"] = pool }
    return configuration
  }

  /// The seed and the file's contents, in a line.
  public var description: String {
    let data = try? JSONSerialization.data(withJSONObject: configuration, options: .sortedKeys)
    return "VITC_SEED=\(seed): " + String(decoding: data ?? Data(), as: UTF8.self)
  }

  /// Writes the folder that `vitc compile` takes.
  public func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try JSONSerialization.data(withJSONObject: configuration, options: .sortedKeys)
      .write(to: folder.appendingPathComponent("config.json"))
  }
}
