import Foundation
import SeededRandom

/// A small Vision Transformer with every choice drawn, as timm's `config.json` says it.
///
/// The same seed gives the same model, on any machine.
struct RandomModel: CustomStringConvertible {
  let seed: UInt64
  /// The file's contents: legal for vitc and for timm.
  let configuration: [String: Any]
  /// What the library returns.
  let outputs: [String]

  /// Architectures that differ in what `model_args` cannot say, and their properties.
  private static let architectures: [(name: String, isPooled: Bool, isDistilled: Bool)] = [
    ("vit_tiny_patch16_224", false, false),
    ("vit_base_patch16_gap_224", true, false),
    ("vit_base_patch16_224_miil", false, false),
    ("vit_medium_patch16_reg4_gap_256", true, false),
    ("deit_tiny_patch16_224", false, false),
    ("deit_tiny_distilled_patch16_224", false, true),
    ("deit3_small_patch16_224", false, false),
    ("vit_small_patch14_dinov2", false, false),
    ("vit_small_patch14_reg4_dinov2", false, false),
    ("vit_giant_patch14_dinov2", false, false),
    ("vit_base_patch32_clip_quickgelu_224", false, false),
    ("vit_base_patch32_siglip_gap_256", true, false),
    ("vit_so150m_patch16_reg4_gap_256", true, false),
    ("vit_intern300m_patch14_448", false, false),
  ]

  init(seed: UInt64) {
    self.seed = seed
    var random = SplitMix64(seed: seed)
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    func pick<T>(_ list: [T]) -> T { list[Int.random(in: list.indices, using: &random)] }

    let architecture = pick(Self.architectures)
    let patch = pick([2, 3, 4, 5, 7, 8])
    let heads = Int.random(in: 1...4, using: &random)
    // Narrower ones make of a rounding error whatever layer norm likes.
    let headDim = pick([4, 5, 7, 8, 11, 16, 20, 32, 33, 64])
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
    if chance(20) {
      let functions = ["silu", "gelu", "gelu_tanh", "quick_gelu", "relu"]
      let isGated = architecture.name.contains("giant")
      arguments["act_layer"] = pick(isGated ? ["silu"] : functions)
    }
    if chance(15) { arguments["pre_norm"] = true }
    let classes = chance(15) ? 0 : Int.random(in: 1...45, using: &random)
    var pool: String?
    if !architecture.isDistilled {
      if chance(30) { arguments["reg_tokens"] = Int.random(in: 0...3, using: &random) }
      if chance(20) { arguments["no_embed_class"] = chance(50) }
      if chance(30) { pool = "avg" }
      if chance(20) { arguments["fc_norm"] = chance(50) }
    }
    var configuration: [String: Any] = [
      "architecture": architecture.name, "num_classes": classes, "model_args": arguments,
    ]
    if let pool { configuration["global_pool"] = pool }
    self.configuration = configuration
    var outputs = [classes > 0 ? "logits" : "features"]
    if chance(20), !architecture.isDistilled { outputs.append("tokens") }
    self.outputs = outputs
  }

  var description: String {
    let data = try? JSONSerialization.data(withJSONObject: configuration, options: .sortedKeys)
    return "VITC_SEED=\(seed): " + String(decoding: data ?? Data(), as: UTF8.self)
  }

  /// Writes the folder that `vitc compile` takes.
  func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try JSONSerialization.data(withJSONObject: configuration, options: .sortedKeys)
      .write(to: folder.appendingPathComponent("config.json"))
  }
}
