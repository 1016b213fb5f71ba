import SeededRandom

/// What has windows or relative positions: BEiT, the three forms of Swin, and SAM's encoder.
extension RandomModel {
  private static let windowed = [
    "beit_base_patch16_224", "beitv2_base_patch16_224", "swin_tiny_patch4_window7_224",
    "swin_s3_tiny_224", "swinv2_tiny_window8_256", "swinv2_cr_tiny_ns_224",
    "samvit_base_patch16", "samvit_base_patch16_224",
  ]

  /// The file's contents.
  static func windowed(_ random: inout SplitMix64) -> [String: Any] {
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    func pick<T>(_ list: [T]) -> T { list[Int.random(in: list.indices, using: &random)] }
    let name = pick(windowed)
    // What is added to the scores of so many tokens is looked up in its table.
    let isLarge = chance(20)
    let patch = isLarge ? 2 : pick([2, 3, 4])
    let heads = isLarge ? 1 : Int.random(in: 1...3, using: &random)
    let grid = (0..<2).map { _ in Int.random(in: isLarge ? 12...14 : 1...9, using: &random) }
    var arguments: [String: Any] = [
      "patch_size": patch, "embed_dim": heads * pick([8, 11, 16, 20]),
      "img_size": grid.map { $0 * patch }, "mlp_ratio": pick([1.0, 2.0, 4.0]),
      "qkv_bias": chance(70),
    ]
    let deepest = isLarge ? 2 : 3
    let window = isLarge ? 12 : pick([2, 3, 4, 5, 7])
    arguments["window_size"] = window
    if name.hasPrefix("swin") {
      let stages = isLarge ? 1 : Int.random(in: 1...3, using: &random)
      arguments["depths"] = (0..<stages).map { _ in Int.random(in: 1...deepest, using: &random) }
      arguments["num_heads"] = (0..<stages).map { heads << $0 }
      if name.contains("v2_tiny"), chance(50) {
        arguments["pretrained_window_sizes"] = (0..<stages).map { _ in pick([0, 1, 3, 8]) }
      }
    } else {
      arguments["num_heads"] = heads
      arguments["depth"] = Int.random(in: 1...deepest, using: &random)
    }
    if name.hasPrefix("swinv2_cr") {
      arguments["qkv_bias"] = nil
      arguments["extra_norm_period"] = pick([0, 2])
      if chance(30) {
        arguments["window_size"] = nil
        arguments["window_ratio"] = Int.random(in: 1...min(3, grid.min() ?? 1), using: &random)
      }
    }
    if name.hasPrefix("beit") {
      arguments["window_size"] = nil
      arguments["use_shared_rel_pos_bias"] = chance(30)
      arguments["use_abs_pos_emb"] = chance(30)
    }
    if name.hasPrefix("samvit") {
      arguments["global_attn_indexes"] = (0..<3).filter { _ in chance(40) }
      arguments["use_rel_pos"] = chance(80)
      if name == "samvit_base_patch16" { arguments["neck_chans"] = pick([4, 8, 20]) }
    }
    return [
      "architecture": name, "num_classes": chance(15) ? 0 : Int.random(in: 1...45, using: &random),
      "model_args": arguments,
    ]
  }
}
