extension NameTable {
  /// transformers' names of the blocks of CLIP, MetaCLIP 2 and SigLIP: of their image encoders and
  /// of their text towers.
  static let blocksOfTransformersCLIP: NameTable = [
    "blocks.{i}.norm1": "encoder.layers.{i}.layer_norm1",
    "blocks.{i}.attn.q": "encoder.layers.{i}.self_attn.q_proj",
    "blocks.{i}.attn.k": "encoder.layers.{i}.self_attn.k_proj",
    "blocks.{i}.attn.v": "encoder.layers.{i}.self_attn.v_proj",
    "blocks.{i}.attn.proj": "encoder.layers.{i}.self_attn.out_proj",
    "blocks.{i}.norm2": "encoder.layers.{i}.layer_norm2",
    "blocks.{i}.mlp.fc1": "encoder.layers.{i}.mlp.fc1",
    "blocks.{i}.mlp.fc2": "encoder.layers.{i}.mlp.fc2",
  ]
}
