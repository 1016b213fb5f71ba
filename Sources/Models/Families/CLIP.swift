import Diagnostics

/// CLIP's image encoders: a norm before the first block, patches without bias, epsilon 1e-5.
///
/// Of a folder of transformers, `features` is the projected class token, as `get_image_features`
/// gives it; of a bare vision model the normalized class token, which is its `pooler_output`;
/// `tokens` are those before the last norm, its `last_hidden_state`. Under timm's names the
/// projection is the head, `features` the normalized class token before it, and `tokens` are
/// normalized.
///
/// Reference: Radford et al. 2021, arXiv:2103.00020.
struct CLIP: TransformerFamily {
  static let title = "clip"

  var model: VisionTransformer
  /// What may stand beside the image encoder in a file of transformers.
  private var surroundings = Surroundings.texts

  init(_ model: VisionTransformer) { self.model = model }

  /// What the library's classes of a `model_type` have beside the image encoder.
  private enum Surroundings {
    /// Nothing: tensors of a text encoder or a projection are foreign.
    case nothing
    /// A text encoder.
    case texts
    /// CLIPSeg's too, and a decoder.
    case segmenter
    /// OWL's too, and heads for boxes.
    case detector

    init(_ modelType: String) {
      self =
        if modelType.hasPrefix("owl") { .detector } else if modelType.hasPrefix("clipseg") {
          .segmenter
        } else { .texts }
    }

    /// Parts of names of what is not read.
    var parts: Set<String> {
      // The last two are read, but for a classifier.
      let texts: Set = [
        "text_model", "text_projection", "logit_scale", "visual_projection", "post_layernorm",
      ]
      return switch self {
      case .nothing: []
      case .texts: texts
      case .segmenter: texts.union(["decoder"])
      case .detector:
        texts.union(["box_head", "class_head", "objectness_head", "layer_norm"])
      }
    }
  }

  var storedNames: StoredNames {
    // transformers' classifier reads the mean of the patches, without any norm.
    let isClassifier = model.pooling == .average
    let head = NameTable.Row(
      isClassifier ? "classifier" : "visual_projection", isOutside: isClassifier,
      isBeside: !isClassifier)
    var table = NameTable.transformersCLIP
    table.unread = surroundings.parts
    return StoredNames(transformers: table + ["head": head], openCLIP: .openCLIP)
  }

  /// The width of the projection is the checkpoint's: a folder's two places may say two, and
  /// transformers has a default for both.
  mutating func adapt(to stored: inout StoredModel) throws(Diagnostic) {
    try adaptTransformer(to: &stored)
    let table = TensorSpecification(
      name: "\(VisionTransformer.projectionName).weight", shape: [model.projection, model.dim])
    if model.projection > 0,
      let width = stored.place(table, storedNames)?.outputs(
        in: stored.checkpoint)
    {
      model.projection = width
    }
    // Under timm's names the projection is the head, and has a bias there.
    let bias = Head(name: "head", inputs: model.dim).bias(classes: model.classes)
    if stored.isForeign {
      let place = stored.place(bias, storedNames)
      model.headBias = place.map { stored.checkpoint.type(of: $0.name) != nil } ?? false
    }
  }

  static let variants = clip + clipQuick

  /// CLIP encoders, projection as head.
  private static let clip = rows(
    [.clip, .clipMean], classes: 1000,
    [
      Row("vit_xsmall_patch16_clip_224", .xsmall, 16, 224, 0.9, classes: 512),
      Row("vit_medium_patch32_clip_224", .medium, 32, 224, 0.9, classes: 512, paper: "CLIP-M/32"),
      Row("vit_medium_patch16_clip_224", .medium, 16, 224, 0.9, classes: 512, paper: "CLIP-M/16"),
      Row("vit_betwixt_patch32_clip_224", .betwixt, 32, 224, 0.9, classes: 512),
      Row("vit_base_patch32_clip_224", .base, 32, 224, 0.9, paper: "CLIP-B/32"),
      Row("vit_base_patch32_clip_256", .base, 32, 256, 1, classes: 512, paper: "CLIP-B/32-256"),
      Row("vit_base_patch32_clip_384", .base, 32, 384, 1, paper: "CLIP-B/32-384"),
      Row("vit_base_patch32_clip_448", .base, 32, 448, 1, paper: "CLIP-B/32-448"),
      Row("vit_base_patch16_clip_224", .base, 16, 224, 0.95, paper: "CLIP-B/16"),
      Row("vit_base_patch16_clip_384", .base, 16, 384, 1, [.squash], paper: "CLIP-B/16-384"),
      Row("vit_base_patch16_plus_clip_240", .plus, 16, 240, 1, classes: 640),
      Row("vit_large_patch14_clip_224", .large, 14, 224, 1, [.halfMean], paper: "CLIP-L/14"),
      Row(
        "vit_large_patch14_clip_336", .large, 14, 336, 1, [.squash, .halfMean],
        paper: "CLIP-L/14-336"),
      Row("vit_huge_patch14_clip_224", .huge, 14, 224, 1, paper: "CLIP-H/14"),
      Row("vit_huge_patch14_clip_336", .huge, 14, 336, 1, [.squash], paper: "CLIP-H/14-336"),
      Row("vit_huge_patch14_clip_378", .huge, 14, 378, 1, classes: 1024, paper: "CLIP-H/14-378"),
      Row("vit_giant_patch14_clip_224", .giant, 14, 224, 1, classes: 1024, paper: "CLIP-g/14"),
      Row(
        "vit_gigantic_patch14_clip_224", .gigantic, 14, 224, 1, classes: 1280, paper: "CLIP-G/14"),
      Row(
        "vit_gigantic_patch14_clip_378", .gigantic, 14, 378, 1, [.squash], classes: 1280,
        paper: "CLIP-G/14-378"),
    ])

  /// CLIP encoders with the quick GELU, as OpenAI trained them.
  private static let clipQuick = rows(
    [.clip, .quickGELU, .clipMean], classes: 1000,
    [
      Row("vit_base_patch32_clip_quickgelu_224", .base, 32, 224, 0.9, classes: 512),
      Row("vit_base_patch16_clip_quickgelu_224", .base, 16, 224, 1, classes: 512),
      Row("vit_large_patch14_clip_quickgelu_224", .large, 14, 224, 1, classes: 768),
      Row("vit_large_patch14_clip_quickgelu_336", .large, 14, 336, 1, classes: 768),
      Row("vit_huge_patch14_clip_quickgelu_224", .huge, 14, 224, 1, classes: 1024),
      Row("vit_huge_patch14_clip_quickgelu_378", .huge, 14, 378, 1, classes: 1024),
      Row("vit_gigantic_patch14_clip_quickgelu_224", .gigantic, 14, 224, 1, classes: 1280),
    ])

  // MARK: - transformers

  static let modelTypes =
    ["clip", "metaclip_2", "altclip", "chinese_clip", "clipseg"].flatMap {
      [whole($0, projection: $0 == "altclip" ? 768 : 512), tower("\($0)_vision_model")]
    } + [
      // Larger images.
      whole("owlvit", projection: 512, image: 768), tower("owlvit_vision_model", image: 768),
      whole("owlv2", projection: 512, patch: 16, image: 768),
      tower("owlv2_vision_model", patch: 16, image: 768),
      // The second is what DeepGlint's own folders say.
      mlcd("mlcd_vision_model"), mlcd("mlcd"),
    ]

  /// MLCD: positions turn queries and keys of all tokens, those of the class token by angles of its
  /// own; no table.
  private static func mlcd(_ modelType: String) -> TransformersModel {
    TransformersModel(
      modelType: modelType, prefix: "vision_model.",
      anchor: ["class_pos_emb", "embeddings.class_embedding", "embeddings.patch_embedding.weight"],
      processor: "CLIP",
      assumed: .init(mode: .shortestEdge, edge: 336, .bicubic, Preprocessing.clip, crop: 336),
      crop: .isScaled, read: readMLCD)
  }

  private static func readMLCD(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> any Family {
    var family = try read(root, name, patch: 14, image: 336, activation: "gelu")
    family.surroundings = .nothing
    // The defaults of the class are those of the largest model.
    family.model.dim = try root.integer("hidden_size") ?? 1664
    family.model.depth = try root.integer("num_hidden_layers") ?? 48
    family.model.heads = try root.integer("num_attention_heads") ?? 16
    family.model.mlpHidden = try root.integer("intermediate_size") ?? 8192
    let rotation = try root.part("rope_parameters")
    let type = try rotation.string("rope_type") ?? "axial"
    let groups = try root.integer("num_key_value_groups") ?? 1
    guard type == "axial", groups == 1 else {
      throw Diagnostic(
        "'rope_parameters.rope_type' is '\(type)' and 'num_key_value_groups' is \(groups), "
          + "expected 'axial' and 1", at: .file(root.path))
    }
    family.model.rotary = RotaryPositions(
      base: try rotation.double("rope_theta") ?? 10000, coordinates: .indexed,
      angles: .powersAndClassToken)
    family.model.hasPositionTable = false
    family.model.positionPrefix = 0
    return family
  }

  /// What every file of a CLIP image encoder has.
  private static let anchor: Anchor = [
    "embeddings.class_embedding", "embeddings.patch_embedding.weight",
    "embeddings.position_embedding.weight",
  ]

  /// An image encoder beside a text encoder: its configuration is in `vision_config`.
  private static func whole(
    _ modelType: String, projection: Int, patch: Int = 32, image: Int = 224
  ) -> TransformersModel {
    type(modelType, image) { (root, name) throws(Diagnostic) in
      let vision = try root.part("vision_config")
      var family = try read(vision, name, patch: patch, image: image)
      family.surroundings = Surroundings(modelType)
      if let head = try TransformersHead(root, modelType) {
        family.setClassifier(head)
      } else {
        family.model.projection = try root.integer("projection_dim") ?? projection
      }
      return family
    }
  }

  /// An image encoder alone, with or without projection.
  private static func tower(
    _ modelType: String, patch: Int = 32, image: Int = 224
  ) -> TransformersModel {
    type(modelType, image) { (root, name) throws(Diagnostic) in
      var family = try read(root, name, patch: patch, image: image)
      family.surroundings = Surroundings(modelType)
      if let head = try TransformersHead(root, modelType) {
        family.setClassifier(head)
      } else if try TransformersHead.architecture(root)?.hasSuffix("WithProjection") ?? false {
        family.model.projection = try root.integer("projection_dim") ?? 512
      }
      return family
    }
  }

  private static func type(
    _ modelType: String, _ image: Int,
    read: @escaping @Sendable (ConfigurationObject, String) throws(Diagnostic) -> any Family
  ) -> TransformersModel {
    // OWL's squash, and have no crop.
    let isSquashed = modelType.hasPrefix("owl")
    var assumed = TransformersModel.AssumedPreprocessing(
      mode: isSquashed ? .exact : .shortestEdge, edge: image, .bicubic, Preprocessing.clip)
    assumed.crop = image
    return TransformersModel(
      modelType: modelType, prefix: "vision_model.", anchor: anchor, processor: "CLIP",
      assumed: assumed, crop: .isScaled, read: read)
  }

  private static func read(
    _ vision: ConfigurationObject, _ name: String, patch: Int, image: Int,
    activation: String = "quick_gelu"
  ) throws(Diagnostic) -> CLIP {
    var model = try VisionTransformer(
      vision, name: name, patch: patch, epsilon: 1e-5, image: image, activation: activation)
    model.mlpHidden = try vision.integer("intermediate_size") ?? 3072
    model.preNorm = true
    model.patchBias = false
    model.finalNorm = false
    model.poolNorm = true
    return CLIP(model)
  }

  /// transformers' classifiers read the mean of the patches, without any norm.
  private mutating func setClassifier(_ head: TransformersHead) {
    model.poolNorm = false
    model.pooling = .average
    model.setHead(head)
  }
}

extension NameTable {
  /// OpenCLIP's names of an image encoder of its own; the projection is stored transposed.
  static let openCLIP: NameTable = [
    "cls_token": "class_embedding",
    "pos_embed": "positional_embedding",
    "patch_embed.proj": "conv1",
    "norm_pre": "ln_pre",
    "blocks.{i}.norm1": "transformer.resblocks.{i}.ln_1",
    "blocks.{i}.attn.qkv.weight": "transformer.resblocks.{i}.attn.in_proj_weight",
    "blocks.{i}.attn.qkv.bias": "transformer.resblocks.{i}.attn.in_proj_bias",
    "blocks.{i}.attn.proj": "transformer.resblocks.{i}.attn.out_proj",
    "blocks.{i}.ls1.gamma": "transformer.resblocks.{i}.ls_1.gamma",
    "blocks.{i}.norm2": "transformer.resblocks.{i}.ln_2",
    "blocks.{i}.mlp.fc1": "transformer.resblocks.{i}.mlp.c_fc",
    "blocks.{i}.mlp.fc2": "transformer.resblocks.{i}.mlp.c_proj",
    "blocks.{i}.ls2.gamma": "transformer.resblocks.{i}.ls_2.gamma",
    "norm": "ln_post",
    "fc_norm": "ln_post",
    "attn_pool.query": "attn_pool.query",
    "attn_pool.ln_q": "attn_pool.ln_q",
    "attn_pool.ln_k": "attn_pool.ln_k",
    "attn_pool.attn.in_proj_weight": "attn_pool.attn.in_proj_weight",
    "attn_pool.attn.in_proj_bias": "attn_pool.attn.in_proj_bias",
    "attn_pool.attn.q_proj_weight": "attn_pool.attn.q_proj_weight",
    "attn_pool.attn.k_proj_weight": "attn_pool.attn.k_proj_weight",
    "attn_pool.attn.v_proj_weight": "attn_pool.attn.v_proj_weight",
    "attn_pool.attn.out_proj": "attn_pool.attn.out_proj",
    "proj.weight": Row("proj", .dense),
    "head.weight": Row("proj", .dense),
  ]

  /// transformers' names of a CLIP image encoder.
  ///
  /// OWL's spell `pre_layernorm` right, and transformers 5 writes AltCLIP's with `encoder.layer`.
  static let transformersCLIP: NameTable = {
    let others: NameTable = [
      "cls_token": "embeddings.class_embedding",
      "pos_embed": "embeddings.position_embedding.weight",
      "patch_embed.proj": "embeddings.patch_embedding",
      "norm_pre": "pre_layrnorm",
      "norm": "post_layernorm",
      "fc_norm": "post_layernorm",
      "proj": Row("visual_projection", isBeside: true),
      "class_pos_emb": "class_pos_emb",
    ]
    let table = others + NameTable.blocksOfTransformersCLIP
    return table.spelled("pre_layrnorm", also: "pre_layernorm")
      .spelled("encoder.layers.", also: "encoder.layer.")
  }()
}
