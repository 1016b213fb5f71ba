import Diagnostics
import IR

/// The image encoder of Segment Anything: attention in windows, in a few blocks of all pixels, what
/// is added to its scores depends on the query and the places relative to each other; convolutions
/// at the end.
///
/// `tokens` are the pixels of the last map, row by row, `[64 * 64, 256]` where the library returns
/// `[256, 64, 64]`; `features` of timm's models is their mean, folders of transformers have none.
/// The prompt encoder and the mask decoder are not read.
///
/// Reference: Kirillov et al. 2023, arXiv:2304.02643; Li et al. 2022, arXiv:2203.16527.
struct SAM: WindowedFamily {
  static let title = "sam"

  var model: WindowedTransformer

  init(_ model: WindowedTransformer) { self.model = model }

  var storedNames: StoredNames { StoredNames(transformers: .transformersSAM) }

  /// timm's class leaves PyTorch's epsilon in the norms of blocks.
  mutating func follow(_ convention: NumericsConvention) {
    guard convention != numerics else { return }
    numerics = convention
    model.layerNormEpsilon = convention == .timm ? 1e-5 : 1e-6
  }

  // MARK: - transformers

  static let modelTypes = [
    whole("sam"), whole("sam_hq"), tower("sam_vision_model"), tower("sam_hq_vision_model"),
  ]

  /// The encoder beside prompt encoder and mask decoder: its configuration is in `vision_config`.
  private static func whole(_ modelType: String) -> TransformersModel {
    type(modelType) { (root, name) throws(Diagnostic) in
      guard root.value("vision_config") != nil else { return try read(root, name) }
      return try read(try root.part("vision_config"), name)
    }
  }

  private static func tower(_ modelType: String) -> TransformersModel { type(modelType, read) }

  private static func type(
    _ modelType: String,
    _ read: @escaping @Sendable (ConfigurationObject, String) throws(Diagnostic) -> any Family
  ) -> TransformersModel {
    // Meta's: padded below and at the right, with zeros after the normalization.
    var assumed = TransformersModel.AssumedPreprocessing(
      mode: .longestEdge, edge: 1024, .bilinear, Preprocessing.imageNet)
    assumed.crop = 1024
    assumed.specification.window = .topLeft
    assumed.specification.padding = nil
    return TransformersModel(
      modelType: modelType, prefix: "vision_encoder.",
      anchor: ["patch_embed.projection.weight", "layers.0.attn.qkv.weight"], processor: "Sam",
      assumed: assumed, crop: .isScaled, read: read)
  }

  private static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> any Family {
    let image = try root.extent("image_size") ?? (1024, 1024)
    let patch = try root.extent("patch_size") ?? (16, 16)
    guard patch.height == patch.width, patch.height > 0 else {
      throw Diagnostic(
        "'\(root.prefix)patch_size' is \(patch.height)x\(patch.width), expected a square",
        at: .file(root.path))
    }
    let dim = try root.integer("hidden_size") ?? 768
    let depth = try root.integer("num_hidden_layers") ?? 12
    let wide = Double(dim) * (try root.double("mlp_ratio") ?? 4)
    guard wide >= 0, wide < 16_777_216 else {
      throw Diagnostic("'\(root.prefix)mlp_ratio' is out of range", at: .file(root.path))
    }
    let all = try root.integers("global_attn_indexes") ?? [2, 5, 8, 11]
    let grid = [image.height / patch.height, image.width / patch.height]
    let window = try root.integer("window_size") ?? 14
    var model = WindowedTransformer(
      facts: ModelFacts(name: name, image: image.height, classes: 0), patch: patch.height, dim: dim,
      depth: depth, heads: try root.integer("num_attention_heads") ?? 12,
      mlpHidden: try root.integer("mlp_dim") ?? Int(wide),
      layerNormEpsilon: try root.double("layer_norm_eps") ?? 1e-6, positionGrid: grid,
      window: window, windowed: window > 0 ? Set(0..<max(depth, 0)).subtracting(all) : [],
      neck: .convolutions(try root.integer("output_channels") ?? 256))
    model.imageWidth = image.width
    model.channels = try root.integer("num_channels") ?? 3
    model.activation = try ActivationFunction(root, "hidden_act", default: "gelu")
    model.qkvBias = try root.bool("qkv_bias") ?? true
    model.hasPositionTable = try root.bool("use_abs_pos") ?? true
    model.relativeGrid = try root.bool("use_rel_pos") ?? true ? grid : nil
    model.isPooled = false
    model.numerics = .huggingFace
    return SAM(model)
  }

  // MARK: - timm

  static let variants = [
    row("samvit_base_patch16", .base, 1024, [2, 5, 8, 11], paper: "SAM-B/16"),
    row("samvit_large_patch16", .large, 1024, [5, 11, 17, 23], paper: "SAM-L/16"),
    row("samvit_huge_patch16", .huge, 1024, [7, 15, 23, 31], paper: "SAM-H/16"),
    row(
      "samvit_base_patch16_224", .base, 224, [2, 5, 8, 11], neck: .norm, classes: 1000, crop: 0.9),
  ]

  private static func row(
    _ name: String, _ size: TransformerSize, _ image: Int, _ all: Set<Int>,
    neck: WindowedTransformer.Neck = .convolutions(256), classes: Int = 0, crop: Double = 1,
    paper: String? = nil
  ) -> Variant {
    let patch = 16
    let grid = [image / patch, image / patch]
    var model = WindowedTransformer(
      facts: ModelFacts(name: name, image: image, classes: classes), patch: patch, dim: size.dim,
      depth: size.depth, heads: size.heads, mlpHidden: size.mlpHidden, layerNormEpsilon: 1e-5,
      positionGrid: grid, window: 14, windowed: Set(0..<size.depth).subtracting(all), neck: neck)
    model.relativeGrid = grid
    // The smaller one has neither positions nor convolutions.
    model.hasPositionTable = neck != .norm
    model.preprocessing = .timm(
      height: image, width: image, cropFraction: crop, filter: .bicubic,
      mean: Preprocessing.imageNet.0, deviation: Preprocessing.imageNet.1)
    return Variant(SAM(model), paperName: paper)
  }

  mutating func apply(_ timm: TimmArguments) throws(Diagnostic) {
    let read: Set<String> = [
      "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio",
      "qkv_bias", "use_abs_pos", "use_rel_pos", "window_size", "global_attn_indexes",
      "neck_chans",
    ]
    try timm.refuseOthers(than: read)
    let arguments = timm.object
    try model.applySizes(arguments)
    model.qkvBias = try arguments.bool("qkv_bias") ?? model.qkvBias
    model.hasPositionTable = try arguments.bool("use_abs_pos") ?? model.hasPositionTable
    let isRelative = try arguments.bool("use_rel_pos") ?? (model.relativeGrid != nil)
    let all =
      try arguments.integers("global_attn_indexes").map { Set($0) }
      ?? Set(0..<variantDepth).subtracting(model.windowed)
    model.window = try arguments.integer("window_size") ?? model.window
    model.windowed = model.window > 0 ? Set(0..<max(model.depth, 0)).subtracting(all) : []
    if arguments.members["neck_chans"] != nil {
      let width = try arguments.integer("neck_chans") ?? 0
      model.neck = width > 0 ? .convolutions(width) : .norm
    }
    if let pool = timm.pool, pool != "avg" {
      throw Diagnostic(
        "unknown 'global_pool' '\(pool)'", at: .file(arguments.path),
        hint: "vitc supports 'avg' for SAM's encoder")
    }
    if model.patch > 0 { model.positionGrid = model.grid }
    model.relativeGrid = isRelative ? model.positionGrid : nil
  }

  /// The depth of the variant that the arguments are applied to.
  private var variantDepth: Int { (model.windowed.max() ?? -1) + 2 }
}

extension WindowedTransformer {
  /// Takes over the arguments of timm's constructor that say sizes.
  fileprivate mutating func applySizes(_ arguments: ConfigurationObject) throws(Diagnostic) {
    if let image = try arguments.extent("img_size") {
      (imageHeight, imageWidth) = (image.height, image.width)
    }
    if let patch = try arguments.extent("patch_size") {
      guard patch.height == patch.width, patch.height > 0 else {
        throw Diagnostic(
          "'model_args.patch_size' is \(patch.height)x\(patch.width), expected a square",
          at: .file(arguments.path))
      }
      self.patch = patch.height
    }
    let ratio = try arguments.double("mlp_ratio") ?? Double(mlpHidden) / Double(dim)
    channels = try arguments.integer("in_chans") ?? channels
    dim = try arguments.integer("embed_dim") ?? dim
    depth = try arguments.integer("depth") ?? depth
    heads = try arguments.integer("num_heads") ?? heads
    guard ratio > 0, ratio < 1000,
      let width = Int(exactly: (Double(dim) * ratio).rounded(.down))
    else {
      throw Diagnostic(
        "'model_args.mlp_ratio' is \(ratio), expected 0 to 1000", at: .file(arguments.path))
    }
    mlpHidden = width
  }
}

extension NameTable {
  /// transformers' names of SAM's image encoder, whose queries, keys and values are one tensor.
  static let transformersSAM: NameTable = {
    var table: NameTable = [
      "pos_embed": "pos_embed",
      "patch_embed.proj": "patch_embed.projection",
      "blocks.{i}.norm1": "layers.{i}.layer_norm1",
      "blocks.{i}.attn.q": .part(0, of: 3, "layers.{i}.attn.qkv"),
      "blocks.{i}.attn.k": .part(1, of: 3, "layers.{i}.attn.qkv"),
      "blocks.{i}.attn.v": .part(2, of: 3, "layers.{i}.attn.qkv"),
      "blocks.{i}.attn.rel_pos_h": "layers.{i}.attn.rel_pos_h",
      "blocks.{i}.attn.rel_pos_w": "layers.{i}.attn.rel_pos_w",
      "blocks.{i}.attn.proj": "layers.{i}.attn.proj",
      "blocks.{i}.norm2": "layers.{i}.layer_norm2",
      "blocks.{i}.mlp.fc1": "layers.{i}.mlp.lin1",
      "blocks.{i}.mlp.fc2": "layers.{i}.mlp.lin2",
      "neck.0": "neck.conv1",
      "neck.1": "neck.layer_norm1",
      "neck.2": "neck.conv2",
      "neck.3": "neck.layer_norm2",
    ]
    table.unread = ["prompt_encoder", "mask_decoder", "shared_image_embedding"]
    return table
  }()
}
