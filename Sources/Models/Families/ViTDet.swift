import Diagnostics
import IR

/// ViTDet, a backbone of detectors: a plain Transformer whose attention has windows in some blocks.
///
/// `tokens` are the pixels of the map after the last block, row by row, without a norm, where the
/// library returns `[dim, rows, columns]`; there are no features.
///
/// Reference: Li et al. 2022, arXiv:2203.16527.
struct ViTDet: WindowedFamily {
  static let title = "vitdet"

  var model: WindowedTransformer

  init(_ model: WindowedTransformer) { self.model = model }

  var storedNames: StoredNames { StoredNames(transformers: .transformersViTDet) }

  /// No other library has it.
  mutating func follow(_ convention: NumericsConvention) { numerics = convention }

  /// None: timm does not have it.
  static let variants: [Variant] = []

  /// None, since there are no variants.
  mutating func apply(_ arguments: TimmArguments) throws(Diagnostic) {
    try arguments.refuseOthers(than: [])
  }

  // MARK: - transformers

  static let modelTypes = [
    TransformersModel(
      modelType: "vitdet", prefix: "",
      anchor: ["embeddings.projection.weight", "encoder.layer.0.attention.qkv.weight"],
      processor: "ViT", assumed: nil, crop: .isScaled, read: read)
  ]

  private static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> any Family {
    let image = try root.extent("image_size") ?? (224, 224)
    let trained = try root.extent("pretrain_image_size") ?? (224, 224)
    let patch = try root.extent("patch_size") ?? (16, 16)
    guard patch.height == patch.width, patch.height > 0 else {
      throw Diagnostic(
        "'patch_size' is \(patch.height)x\(patch.width), expected a square", at: .file(root.path))
    }
    guard trained.height == trained.width else {
      throw Diagnostic(
        "'pretrain_image_size' is \(trained.height)x\(trained.width), expected a square",
        at: .file(root.path))
    }
    if let blocks = try root.integers("residual_block_indices"), !blocks.isEmpty {
      throw Diagnostic(
        "'residual_block_indices' asks for convolutions after blocks, which vitc does not have",
        at: .file(root.path), hint: "folders without them are compiled")
    }
    let dim = try root.integer("hidden_size") ?? 768
    let ratio = try root.integer("mlp_ratio") ?? 4
    guard 1...1024 ~= ratio, 1...1 << 16 ~= dim else {
      throw Diagnostic(
        "'mlp_ratio' is \(ratio) and 'hidden_size' \(dim), expected 1 to 1024 and to 65536",
        at: .file(root.path))
    }
    let window = try root.integer("window_size") ?? 0
    let windowed = try root.integers("window_block_indices") ?? []
    let side = trained.height / patch.height
    var model = WindowedTransformer(
      facts: ModelFacts(name: name, image: image.height, classes: 0), patch: patch.height, dim: dim,
      depth: try root.integer("num_hidden_layers") ?? 12,
      heads: try root.integer("num_attention_heads") ?? 12, mlpHidden: ratio * dim,
      layerNormEpsilon: try root.double("layer_norm_eps") ?? 1e-6, positionGrid: [side, side],
      window: window, windowed: window > 0 ? Set(windowed) : [], neck: .none)
    model.imageWidth = image.width
    model.channels = try root.integer("num_channels") ?? 3
    model.activation = try ActivationFunction(root, "hidden_act", default: "gelu")
    model.qkvBias = try root.bool("qkv_bias") ?? true
    model.hasPositionTable = try root.bool("use_absolute_position_embeddings") ?? true
    model.positionsAreMap = false
    model.positionResize = .bicubic
    if try root.bool("use_relative_position_embeddings") ?? false {
      model.relativeGrid = model.grid
    }
    model.isPooled = false
    model.numerics = .huggingFace
    return ViTDet(model)
  }
}

extension NameTable {
  /// transformers' names of ViTDet, whose queries, keys and values are one tensor.
  static let transformersViTDet: NameTable = [
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj": "embeddings.projection",
    "blocks.{i}.norm1": "encoder.layer.{i}.norm1",
    "blocks.{i}.attn.q": .part(0, of: 3, "encoder.layer.{i}.attention.qkv"),
    "blocks.{i}.attn.k": .part(1, of: 3, "encoder.layer.{i}.attention.qkv"),
    "blocks.{i}.attn.v": .part(2, of: 3, "encoder.layer.{i}.attention.qkv"),
    "blocks.{i}.attn.rel_pos_h": "encoder.layer.{i}.attention.rel_pos_h",
    "blocks.{i}.attn.rel_pos_w": "encoder.layer.{i}.attention.rel_pos_w",
    "blocks.{i}.attn.proj": "encoder.layer.{i}.attention.proj",
    "blocks.{i}.norm2": "encoder.layer.{i}.norm2",
    "blocks.{i}.mlp.fc1": "encoder.layer.{i}.mlp.fc1",
    "blocks.{i}.mlp.fc2": "encoder.layer.{i}.mlp.fc2",
  ]
}
