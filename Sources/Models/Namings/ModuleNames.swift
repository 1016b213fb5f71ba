/// What transformers 5 calls layers in memory where its files keep older names: the names in files
/// written with `save_original_format=False`, or of a `state_dict()`.
enum ModuleNames {
  /// Parts of a file's names and what stands there in memory, to be replaced in this order.
  private static let layers = [
    (".attention.attention.query", ".attention.q_proj"),
    (".attention.attention.key", ".attention.k_proj"),
    (".attention.attention.value", ".attention.v_proj"),
    (".attention.attention.relative_position_bias.", ".relative_position_bias."),
    (".attention.self.query", ".attention.q_proj"),
    (".attention.self.key", ".attention.k_proj"),
    (".attention.self.value", ".attention.v_proj"),
    (
      ".attention.self.relative_position_bias_table",
      ".attention.relative_position_bias.relative_position_bias_table"
    ),
    (".attention.output.dense", ".attention.o_proj"),
    (".intermediate.dense", ".mlp.fc1"),
    (".output.dense", ".mlp.fc2"),
    ("encoder.mid_position_embeddings", "encoder.interpolation.mid_position_embeddings"),
  ]
  /// What differs further where blocks are not in an encoder: ViT, its kin, BEiT and Pixio.
  private static let blocks = [
    ("encoder.layer.", "layers."),
    ("encoder.relative_position_bias.", "shared_position_bias."),
    (".norm1", ".layernorm_before"),
    (".norm2", ".layernorm_after"),
  ]

  /// The names that a tensor or a layer may have in memory where they are not that of files.
  static func spellings(of stored: String) -> [String] {
    func replaced(_ name: String, _ changes: [(String, String)]) -> String {
      changes.reduce(name) { $0.replacing($1.0, with: $1.1) }
    }
    let inEncoder = replaced(stored, layers)
    return [inEncoder, replaced(inEncoder, blocks)].filter { $0 != stored }
  }

  /// The same for what checkpoints are known by.
  static func spellings(of anchor: Anchor) -> [Anchor] {
    let all = anchor.map { name in
      let others = spellings(of: name)
      return others.isEmpty ? [name, name] : [others[0], others[others.count - 1]]
    }
    return (0..<2).map { index in all.map { $0[index] } }.filter { $0 != anchor }
  }
}
