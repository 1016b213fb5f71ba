import Diagnostics
import IR

/// Swin Transformers: attention within windows, which are shifted in every second block, on maps
/// that are merged from stage to stage; a learned number for each head and relative place is added
/// to the scores.
///
/// `tokens` are the pixels of the last map after the last norm, row by row; `features` is their
/// mean, which is transformers' `pooler_output`.
///
/// Reference: Liu et al. 2021, arXiv:2103.14030; of the sizes `s3` Chen et al. 2021,
/// arXiv:2111.14725.
struct Swin: StagedFamily {
  static let title = "swin"

  /// The epsilon of the norms of patches and of merged patches, in all libraries.
  private static let mergingEpsilon = 1e-5

  var facts: ModelFacts
  /// The side of a patch.
  var patch = 4
  /// The width of the first stage; each later one has twice that of the one before.
  var dim: Int
  /// The number of blocks of each stage.
  var depths: [Int]
  /// The number of heads of each stage.
  var heads: [Int]
  /// Rows and columns of the windows of each stage, where the map is as large.
  var windows: [[Int]]
  /// What the width inside the MLP is to that of the stage.
  var mlpRatio = 4.0
  /// The function inside the MLP.
  var activation = ActivationFunction.gelu
  /// What is added to the variance in the norms of blocks, and in the last.
  var layerNormEpsilon = 1e-5
  /// `true` iff q, k and v have biases.
  var qkvBias = true
  /// `true` iff all pixels pass a norm at the end.
  var finalNorm = true
  /// Rows and columns of patches that the tables of relative positions are stored for.
  var storedGrid: [Int]

  init(
    name: String, image: Int, dim: Int, depths: [Int], heads: [Int], windows: [[Int]], classes: Int
  ) {
    facts = ModelFacts(name: name, image: image, classes: classes)
    self.dim = dim
    self.depths = depths
    self.heads = heads
    self.windows = windows
    storedGrid = [image / patch, image / patch]
  }

  // MARK: - Names

  var storedNames: StoredNames { StoredNames(transformers: .transformersSwin) }

  /// The libraries agree on everything but where an image that windows do not cover is widened.
  mutating func follow(_ convention: NumericsConvention) { numerics = convention }

  var numericsSummary: String {
    "\(numerics.rawValue): \(activation.rawValue), layer norm epsilon \(layerNormEpsilon)"
  }

  // MARK: - Body

  /// The windows of a stage on a map, and how far those of every second block are moved: not at all
  /// along an axis that one window covers.
  private func windows(_ stage: Int, _ map: [Int]) -> (window: [Int], shift: [Int]) {
    let full = windows[stage]
    if numerics == .huggingFace, map.min() ?? 0 <= full[0] {
      let side = map.min() ?? 1
      return ([side, side], [0, 0])
    }
    let window = zip(map, full).map { min($0, $1) }
    let shift = zip(map, full).map { $0 <= $1 ? 0 : $1 / 2 }
    return (window, shift)
  }

  func block(_ stage: Int, _ index: Int) -> WindowedBlock {
    let map = map(stage, grid)
    let (window, shift) = windows(stage, map)
    // transformers' tables are of whole windows, whatever the map.
    let stored =
      numerics == .huggingFace
      ? windows[stage] : windows(stage, self.map(stage, storedGrid)).window
    return WindowedBlock(
      norm: Normalization(epsilon: layerNormEpsilon), heads: heads[stage], hasBias: qkvBias,
      feedForward: FeedForward(hidden: hidden(stage), activation: activation),
      windows: WindowGrid(
        image: map, window: window, shift: index % 2 == 0 ? [0, 0] : shift,
        movesFirst: numerics != .huggingFace), positions: .table(stored: stored))
  }

  func merging(_ stage: Int) -> PatchMerging {
    PatchMerging(
      map: map(stage - 1, grid), norm: Normalization(epsilon: Self.mergingEpsilon),
      outputs: width(stage))
  }

  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let x = try map(of: image, stages: "layers", epsilon: Self.mergingEpsilon, in: &builder)
    guard finalNorm else { return x }
    return try Normalization(epsilon: layerNormEpsilon).append("norm", x, to: &builder)
  }

  func check() throws(Diagnostic) {
    try checkStages(windows)
    guard numerics == .huggingFace else { return }
    for stage in depths.indices {
      let map = map(stage, grid)
      // transformers' tables fit no other window.
      if windows(stage, map).window != windows[stage] {
        throw fault(
          "stage \(stage) has a map of \(map[0])x\(map[1]), smaller than its windows of "
            + "\(windows[stage][0]), which transformers cannot compute")
      }
    }
  }
}

/// How Swin Transformers are known by name, and how their folders are read.
extension Swin {
  // MARK: - timm

  static let variants = [
    row("swin_tiny_patch4_window7_224", 96, tiny, [3, 6, 12, 24], paper: "Swin-T"),
    row("swin_small_patch4_window7_224", 96, deep, [3, 6, 12, 24], paper: "Swin-S"),
    row("swin_base_patch4_window7_224", 128, deep, [4, 8, 16, 32], paper: "Swin-B"),
    row(
      "swin_base_patch4_window12_384", 128, deep, [4, 8, 16, 32], window: 12, image: 384,
      paper: "Swin-B-384"),
    row("swin_large_patch4_window7_224", 192, deep, [6, 12, 24, 48], paper: "Swin-L"),
    row(
      "swin_large_patch4_window12_384", 192, deep, [6, 12, 24, 48], window: 12, image: 384,
      paper: "Swin-L-384"),
    row(
      "swin_s3_tiny_224", 96, tiny, [3, 6, 12, 24], windows: [7, 7, 14, 7], paper: "S3-T"),
    row(
      "swin_s3_small_224", 96, deep, [3, 6, 12, 24], windows: [14, 14, 14, 7], paper: "S3-S"),
    row(
      "swin_s3_base_224", 96, [2, 2, 30, 2], [3, 6, 12, 24], windows: [7, 7, 14, 7],
      paper: "S3-B"),
  ]

  private static let tiny = [2, 2, 6, 2]
  private static let deep = [2, 2, 18, 2]

  private static func row(
    _ name: String, _ dim: Int, _ depths: [Int], _ heads: [Int], window: Int = 7,
    windows: [Int]? = nil, image: Int = 224, paper: String
  ) -> Variant {
    let sides = windows ?? depths.map { _ in window }
    var model = Swin(
      name: name, image: image, dim: dim, depths: depths, heads: heads,
      windows: sides.map { [$0, $0] }, classes: 1000)
    model.preprocessing = .timm(
      height: image, width: image, cropFraction: image == 224 ? 0.9 : 1, filter: .bicubic,
      mean: Preprocessing.imageNet.0, deviation: Preprocessing.imageNet.1)
    return Variant(model, paperName: paper)
  }

  mutating func apply(_ timm: TimmArguments) throws(Diagnostic) {
    try timm.refuseOthers(
      than: [
        "img_size", "patch_size", "in_chans", "embed_dim", "depths", "num_heads", "window_size",
        "mlp_ratio", "qkv_bias",
      ])
    try applyStages(timm)
    qkvBias = try timm.object.bool("qkv_bias") ?? qkvBias
    if let sizes = try windowSizes(timm) {
      windows = sizes
    } else if windows.count != depths.count, let first = windows.first {
      windows = depths.map { _ in first }
    }
    if patch > 0 { storedGrid = grid }
  }

  // MARK: - transformers

  static let modelTypes = [type("swin", prefix: "swin."), type("donut-swin", prefix: "")]

  private static func type(_ modelType: String, prefix: String) -> TransformersModel {
    TransformersModel(
      modelType: modelType, prefix: prefix,
      anchor: [
        "embeddings.patch_embeddings.projection.weight",
        "encoder.layers.0.blocks.0.attention.self.relative_position_bias_table",
      ], processor: "ViT",
      // Microsoft's.
      assumed: .init(mode: .exact, edge: 224, .bicubic, Preprocessing.imageNet), crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try read(root, name)
      model.finalNorm = modelType == "swin"
      if let head = try TransformersHead(root, modelType) { model.setHead(head) }
      return model
    }
  }

  private static func read(_ root: ConfigurationObject, _ name: String) throws(Diagnostic) -> Swin {
    let image = try root.extent("image_size") ?? (224, 224)
    let patch = try patchSide(root)
    let depths = try root.integers("depths") ?? [2, 2, 6, 2]
    let window = try root.integer("window_size") ?? 7
    var model = Swin(
      name: name, image: image.height, dim: try root.integer("embed_dim") ?? 96, depths: depths,
      heads: try root.integers("num_heads") ?? [3, 6, 12, 24],
      windows: depths.map { _ in [window, window] }, classes: 0)
    model.imageWidth = image.width
    model.patch = patch
    model.channels = try root.integer("num_channels") ?? 3
    model.mlpRatio = try root.double("mlp_ratio") ?? 4
    model.activation = try ActivationFunction(root, "hidden_act", default: "gelu")
    model.layerNormEpsilon = try root.double("layer_norm_eps") ?? 1e-5
    model.qkvBias = try root.bool("qkv_bias") ?? true
    model.numerics = .huggingFace
    model.storedGrid = model.grid
    return model
  }
}

extension NameTable {
  /// transformers' names of Swin, which merges patches at the end of a stage, not at the beginning
  /// of the next.
  static let transformersSwin: NameTable = {
    let block = "encoder.layers.{i}.blocks.{i}"
    var table: NameTable = [
      "patch_embed.proj": "embeddings.patch_embeddings.projection",
      "patch_embed.norm": "embeddings.norm",
      "layers.{i}.blocks.{i}.norm1": .init("\(block).layernorm_before"),
      "layers.{i}.blocks.{i}.attn.q": .init("\(block).attention.self.query"),
      "layers.{i}.blocks.{i}.attn.k": .init("\(block).attention.self.key"),
      "layers.{i}.blocks.{i}.attn.v": .init("\(block).attention.self.value"),
      "layers.{i}.blocks.{i}.attn.relative_position_bias_table": .init(
        "\(block).attention.self.relative_position_bias_table"),
      "layers.{i}.blocks.{i}.attn.proj": .init("\(block).attention.output.dense"),
      "layers.{i}.blocks.{i}.norm2": .init("\(block).layernorm_after"),
      "layers.{i}.blocks.{i}.mlp.fc1": .init("\(block).intermediate.dense"),
      "layers.{i}.blocks.{i}.mlp.fc2": .init("\(block).output.dense"),
      "norm": "layernorm",
      "head.fc": .init("classifier", isOutside: true),
    ]
    for stage in 1..<8 {
      let stored = "encoder.layers.\(stage - 1).downsample"
      table =
        table + [
          "layers.\(stage).downsample.norm": .init("\(stored).norm"),
          "layers.\(stage).downsample.reduction": .init("\(stored).reduction"),
        ]
    }
    // Of the models that learn from masked images.
    return table.ignoring("mask_token", "decoder")
  }()
}
