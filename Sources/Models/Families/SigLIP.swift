import Diagnostics

/// SigLIP's image encoders and SigLIP 2's of a fixed size: no class token; a learned query gathers
/// what the head reads from the normalized tokens.
///
/// `features` is that vector, in transformers `pooler_output` and `get_image_features`, not
/// normalized to length 1. transformers' classifier reads the mean of the tokens instead. A folder
/// that says `vision_use_head: false` has tokens alone.
///
/// SigLIP 2's of any grid of patches (NaFlex) are compiled for the grids of one or several image
/// sizes: their table of positions is resized to each. Of no padding nothing need be masked.
///
/// Reference: Zhai et al. 2023, arXiv:2303.15343, and Tschannen et al. 2025, arXiv:2502.14786.
struct SigLIP: TransformerFamily {
  static let title = "siglip"

  var model: VisionTransformer

  init(_ model: VisionTransformer) { self.model = model }

  var storedNames: StoredNames {
    var names = StoredNames.jaxViT(model)
    names.transformers = .transformersSigLIP
    // Beside tokens or their mean, the pooling's tensors may be there.
    if model.pooling != .attention { names.transformers?.unread.insert("head") }
    return names
  }

  func arithmetic(under convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.siglip(convention)
    if model.patchLayout == .channelsLast { arithmetic.positionResize = .bilinearAntialiased }
    return arithmetic
  }

  // MARK: - transformers

  static let modelTypes = [
    type("siglip") { (root, name) throws(Diagnostic) in
      try read(root.part("vision_config"), root, "siglip", name)
    },
    type("siglip_vision_model") { (root, name) throws(Diagnostic) in
      try read(root, root, "siglip_vision_model", name)
    },
    type("siglip2", processor: "Siglip2") { (root, name) throws(Diagnostic) in
      try readRows(root.part("vision_config"), root, "siglip2", name)
    },
    type("siglip2_vision_model", processor: "Siglip2") { (root, name) throws(Diagnostic) in
      try readRows(root, root, "siglip2_vision_model", name)
    },
  ]

  private static func type(
    _ modelType: String, processor: String = "Siglip",
    read: @escaping @Sendable (ConfigurationObject, String) throws(Diagnostic) -> any Family
  ) -> TransformersModel {
    TransformersModel(
      modelType: modelType, prefix: "vision_model.",
      anchor: [
        "embeddings.patch_embedding.weight", "embeddings.position_embedding.weight",
        "encoder.layers.0.self_attn.q_proj.weight",
      ],
      processor: processor,
      // NaFlex makes images of the photo's own aspect.
      assumed: processor == "Siglip"
        ? .init(mode: .exact, edge: 224, .bicubic, Preprocessing.half) : nil,
      crop: .isScaled,
      read: read)
  }

  private static func read(
    _ vision: ConfigurationObject, _ root: ConfigurationObject, _ modelType: String, _ name: String
  ) throws(Diagnostic) -> SigLIP {
    var model = try VisionTransformer(
      vision, name: name, patch: 16, epsilon: 1e-6, activation: "gelu_pytorch_tanh")
    model.mlpHidden = try vision.integer("intermediate_size") ?? 3072
    model.hasClassToken = false
    model.positionPrefix = 0
    model.pooling = try vision.bool("vision_use_head") ?? true ? .attention : .none
    if let head = try TransformersHead(root, modelType) {
      model.pooling = .average
      model.setHead(head)
    }
    return SigLIP(model)
  }

  /// A model that takes rows of patches: by itself for a square of as many as it has positions.
  private static func readRows(
    _ vision: ConfigurationObject, _ root: ConfigurationObject, _ modelType: String, _ name: String
  ) throws(Diagnostic) -> SigLIP {
    var siglip = try read(vision, root, modelType, name)
    let count = try vision.integer("num_patches") ?? 256
    let side = Int(Double(max(count, 0)).squareRoot())
    guard side > 0, side * side == count else {
      throw Diagnostic(
        "'\(vision.prefix)num_patches' is \(count), expected the number of a square",
        at: .file(vision.path))
    }
    siglip.model.patchLayout = .channelsLast
    siglip.model.positionGrid = [side, side]
    siglip.model.positionResize = .bilinearAntialiased
    siglip.model.imageHeight = side * siglip.model.patch
    siglip.model.imageWidth = side * siglip.model.patch
    return siglip
  }

  // MARK: - timm

  static let variants = erf + tanh

  /// As timm computes them with the erf GELU, though they were trained with the other.
  private static let erf = rows(
    [.mapPooled, .halfMean], classes: 0,
    [
      Row("vit_base_patch16_siglip_224", .base, 16, 224, 0.9, paper: "SigLIP-B/16-224"),
      Row("vit_base_patch16_siglip_256", .base, 16, 256, 0.9, paper: "SigLIP-B/16-256"),
      Row("vit_base_patch16_siglip_384", .base, 16, 384, 0.9, paper: "SigLIP-B/16-384"),
      Row("vit_base_patch16_siglip_512", .base, 16, 512, 0.9, paper: "SigLIP-B/16-512"),
      Row("vit_large_patch16_siglip_256", .large, 16, 256, 0.9, paper: "SigLIP-L/16-256"),
      Row("vit_large_patch16_siglip_384", .large, 16, 384, 0.9, paper: "SigLIP-L/16-384"),
      Row("vit_so400m_patch14_siglip_224", .so400m, 14, 224, 0.9, paper: "SigLIP-So400m/14-224"),
      Row("vit_so400m_patch14_siglip_378", .so400m, 14, 378, 0.9, paper: "SigLIP-So400m/14-378"),
      // 27 x 27 patches: the last 6 pixels of each side are not read.
      Row("vit_so400m_patch14_siglip_384", .so400m, 14, 384, 0.9, paper: "SigLIP-So400m/14-384"),
    ])

  /// With the tanh GELU.
  private static let tanh = rows(
    [.mapPooled, .tanhGELU, .halfMean], classes: 0,
    [
      Row("vit_base_patch32_siglip_256", .base, 32, 256, 0.9, paper: "SigLIP2-B/32-256"),
      Row("vit_large_patch16_siglip_512", .large, 16, 512, 0.9, paper: "SigLIP2-L/16-512"),
      Row("vit_so400m_patch16_siglip_256", .so400m, 16, 256, 0.9, paper: "SigLIP-So400m/16-256"),
      Row("vit_so400m_patch16_siglip_384", .so400m, 16, 384, 0.9, paper: "SigLIP2-So400m/16-384"),
      Row("vit_so400m_patch16_siglip_512", .so400m, 16, 512, 0.9, paper: "SigLIP2-So400m/16-512"),
      Row("vit_giantopt_patch16_siglip_256", .giantOptimal, 16, 256, 0.9),
      Row("vit_giantopt_patch16_siglip_384", .giantOptimal, 16, 384, 0.9),
    ])
}

extension TransformerArithmetic {
  /// What the conventions make of SigLIP: Google's and transformers' the tanh GELU.
  static func siglip(_ convention: NumericsConvention) -> TransformerArithmetic {
    var arithmetic = TransformerArithmetic.vit(convention)
    if convention == .huggingFace {
      arithmetic.gelu = .geluTanh
      arithmetic.epsilon = 1e-6
    }
    return arithmetic
  }
}

extension NameTable {
  /// transformers' names of a SigLIP image encoder; queries, keys and values of the pooling are one
  /// tensor, as PyTorch's `MultiheadAttention` has them.
  static let transformersSigLIP: NameTable = {
    var table: NameTable = [
      "attn_pool.latent": "head.probe",
      "attn_pool.proj": "head.attention.out_proj",
      "attn_pool.norm": "head.layernorm",
      "attn_pool.mlp.fc1": "head.mlp.fc1",
      "attn_pool.mlp.fc2": "head.mlp.fc2",
      "head": Row("classifier", isOutside: true),
    ]
    for (index, part) in ["q", "k", "v"].enumerated() {
      for leaf in ["weight", "bias"] {
        table = table.adding(
          "attn_pool.\(part).\(leaf)", .part(index, of: 3, "head.attention.in_proj_\(leaf)"))
      }
    }
    return .transformersCLIP + table.ignoring("text_model", "logit_scale", "logit_bias")
  }()
}
