import Diagnostics

/// BEiT, BEiT v2 and data2vec's image encoder: what is added to the scores of attention depends on
/// the places of query and key relative to each other; LayerScale, no bias of keys.
///
/// `features` is the mean of the patches, with a norm after it; of folders that say so the class
/// token.
///
/// Reference: Bao et al. 2021, arXiv:2106.08254; Peng et al. 2022, arXiv:2208.06366; Baevski et al.
/// 2022, arXiv:2202.03555.
struct BEiT: TransformerFamily {
  static let title = "beit"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    var table = NameTable.transformersBEiT.ignoring("mask_token", "lm_head", "pooler")
    // The norm before the head for masked images.
    if model.pooling == .none { table.unread.insert("layernorm") }
    return StoredNames(unreadOfTimm: ["lm_head"], transformers: table)
  }

  /// The libraries resize relative positions in ways of their own.
  mutating func follow(_ convention: NumericsConvention) {
    guard convention != numerics else { return }
    model.follow(convention, arithmetic(under: convention))
    model.relativeResize = convention == .timm ? .geometric : .bilinear
  }

  /// Any square grid fits, and is resized; a folder's bare model may have no pooled row.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic) {
    try adaptTransformer(to: &stored)
    let norm = TensorSpecification(name: "fc_norm.weight", shape: [model.dim])
    if stored.isForeign || !stored.isByName, model.poolNorm, model.classes == 0,
      let place = stored.place(norm, storedNames),
      stored.checkpoint.type(of: place.name) == nil, stored.naming is TransformersNaming
    {
      model.pooling = .none
      model.poolNorm = false
      stored.notes.append("the checkpoint has no norm of the pooled row: tokens only")
    }
    guard let tables = model.relativeBias, stored.isForeign || stored.naming.resizesPositions else {
      return
    }
    let name =
      tables == .shared ? RelativeBias.sharedName : RelativeBias.name(of: "blocks.0.attn")
    let rows = RelativeBias.rows(model.positionGrid)
    let table = TensorSpecification(name: name, shape: [rows, model.heads])
    guard let found = stored.place(table, storedNames)?.name,
      let shape = stored.checkpoint.type(of: found)?.shape, shape.count == 2, shape[0] != rows,
      let grid = RelativeBias.square(rows: shape[0])
    else { return }
    model.positionGrid = grid
  }

  // MARK: - transformers

  static let modelTypes = [
    transformers("beit", prefix: "beit."),
    transformers("data2vec-vision", prefix: "data2vec_vision."),
  ]

  private static func transformers(_ modelType: String, prefix: String) -> TransformersModel {
    TransformersModel(
      modelType: modelType, prefix: prefix,
      anchor: ViT.anchor, processor: "Beit",
      // Microsoft's.
      assumed: .init(mode: .exact, edge: 224, .bilinear, Preprocessing.half), crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try VisionTransformer(root, name: name, patch: 16, epsilon: 1e-12)
      model.mlpHidden = try root.integer("intermediate_size") ?? 3072
      model.timmClass = .beit
      model.projections = .biasesApart
      model.attentionBiases = [.query, .value]
      model.hasPositionTable = try root.bool("use_absolute_position_embeddings") ?? false
      model.positionPrefix = model.hasPositionTable ? 1 : 0
      model.relativeBias = RelativeBias.Tables(
        inBlocks: try root.bool("use_relative_position_bias") ?? false,
        shared: try root.bool("use_shared_relative_position_bias") ?? false)
      model.relativeResize = .bilinear
      model.layerScale = try root.double("layer_scale_init_value") ?? 0.1 > 0
      if try root.bool("use_mean_pooling") ?? true {
        model.pooling = .average
        (model.poolNorm, model.finalNorm) = (true, false)
      }
      let architecture = try TransformersHead.architecture(root)
      if architecture?.hasSuffix("ForMaskedImageModeling") == true {
        // It has no pooled row.
        if model.pooling == .average { model.pooling = .none }
        model.poolNorm = false
      }
      if let head = try TransformersHead(root, modelType) { model.setHead(head) }
      return BEiT(model)
    }
  }

  // MARK: - timm

  static let variants = first + second

  private static let first = table(
    .halfMean,
    [
      Row("beit_base_patch16_224", .base, 16, 224, 0.9, paper: "BEiT-B/16"),
      Row("beit_base_patch16_384", .base, 16, 384, 1, paper: "BEiT-B/16-384"),
      Row("beit_large_patch16_224", .large, 16, 224, 0.9, paper: "BEiT-L/16"),
      Row("beit_large_patch16_384", .large, 16, 384, 1, paper: "BEiT-L/16-384"),
      Row("beit_large_patch16_512", .large, 16, 512, 1, paper: "BEiT-L/16-512"),
    ])

  private static let second = table(
    .imageNetMean,
    [
      Row("beitv2_base_patch16_224", .base, 16, 224, 0.9, paper: "BEiTv2-B/16"),
      Row("beitv2_large_patch16_224", .large, 16, 224, 0.95, paper: "BEiTv2-L/16"),
    ])

  private static func table(_ constants: TransformerTraits, _ rows: [TransformerRow]) -> [Variant] {
    rows.map { row in
      var model = row.model(
        [.layerScale, .averagePooled, .poolNorm, constants], classes: 1000)
      model.hasPositionTable = false
      model.positionPrefix = 0
      model.relativeBias = .each
      model.timmClass = .beit
      model.projections = .biasesApart
      model.attentionBiases = [.query, .value]
      return Variant(BEiT(model), paperName: row.paper)
    }
  }
}

extension NameTable {
  /// transformers' names of BEiT.
  static let transformersBEiT: NameTable =
    transformersViT + [
      "blocks.{i}.gamma_1": "encoder.layer.{i}.lambda_1",
      "blocks.{i}.gamma_2": "encoder.layer.{i}.lambda_2",
      "blocks.{i}.attn.relative_position_bias_table":
        "encoder.layer.{i}.attention.attention.relative_position_bias.relative_position_bias_table",
      "rel_pos_bias.relative_position_bias_table":
        "encoder.relative_position_bias.relative_position_bias_table",
      "fc_norm": "pooler.layernorm",
    ]
}
