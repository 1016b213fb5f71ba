import Diagnostics
import IR

/// The second version of Swin Transformers: attention within windows by the cosines of queries and
/// keys, norms after the branches, and positions that a small network makes of distances.
///
/// `features` is the mean of the pixels, which is transformers' `pooler_output`.
///
/// Reference: Liu et al. 2021, arXiv:2111.09883.
struct SwinV2: StagedFamily {
  static let title = "swinv2"

  /// What transformers subtracts where two places were not neighbours: its mask is added twice.
  private static let transformersSeparation: Float = 200
  /// What positions are limited to, and the width of the network that makes them, in all libraries.
  private static let (positionLimit, positionWidth): (Float, Int) = (16, 512)
  /// The epsilon of the norms of patches and of merged patches, in all libraries.
  private static let mergingEpsilon = 1e-5

  var facts: ModelFacts
  var patch = 4
  var dim: Int
  var depths: [Int]
  var heads: [Int]
  /// Rows and columns of the windows of each stage, where the map is as large.
  var windows: [[Int]]
  /// The side of the windows of each stage that distances are relative to; 0: its own.
  var trainedWindows: [Int]
  var mlpRatio = 4.0
  /// The function inside the MLP.
  var activation = ActivationFunction.gelu
  /// What is added to the variance in the norms of blocks, and in the last.
  var layerNormEpsilon = 1e-5
  /// `true` iff q and v have biases; k never has.
  var qkvBias = true
  /// Rows and columns of patches of the image that the model was made for.
  var storedGrid: [Int]

  init(
    name: String, image: Int, dim: Int, depths: [Int], heads: [Int], window: Int, classes: Int
  ) {
    facts = ModelFacts(name: name, image: image, classes: classes)
    self.dim = dim
    self.depths = depths
    self.heads = heads
    windows = depths.map { _ in [window, window] }
    trainedWindows = depths.map { _ in 0 }
    storedGrid = [image / patch, image / patch]
  }

  var storedNames: StoredNames { StoredNames(transformers: .transformersSwinV2) }

  /// The libraries agree where windows cover the maps and none is moved across a seam: transformers
  /// separates places of both sides more, and takes the windows that fit its own image size.
  mutating func follow(_ convention: NumericsConvention) { numerics = convention }

  var numericsSummary: String {
    "\(numerics.rawValue): \(activation.rawValue), layer norm epsilon \(layerNormEpsilon)"
  }

  // MARK: - Body

  /// The windows of a stage, and how far those of every second block are moved.
  private func windows(_ stage: Int) -> (window: [Int], shift: [Int]) {
    let full = windows[stage]
    if numerics == .huggingFace {
      // By the rows of its own image alone, rounded down.
      let rows = storedGrid[0] >> stage
      let (side, shift) = (min(rows, full[0]), rows <= full[0] ? 0 : full[0] / 2)
      return ([side, side], [shift, shift])
    }
    let map = map(stage, grid)
    let window = zip(map, full).map { min($0, $1) }
    let shift = zip(map, full).map { $0 <= $1 ? 0 : $1 / 2 }
    return (window, shift)
  }

  func block(_ stage: Int, _ index: Int) -> CosineBlock {
    let isTransformers = numerics == .huggingFace
    let (window, shift) = windows(stage)
    let trained = trainedWindows[stage]
    let norm = Normalization(epsilon: layerNormEpsilon)
    return CosineBlock(
      norm: norm, heads: heads[stage], biases: qkvBias ? [.query, .value] : [],
      projections: .biasesApart, storedScale: [heads[stage], 1, 1],
      feedForward: FeedForward(hidden: hidden(stage), activation: activation),
      windows: WindowGrid(
        image: map(stage, grid), window: window, shift: index % 2 == 0 ? [0, 0] : shift,
        movesFirst: !isTransformers),
      positions: ContinuousPositions(
        hidden: Self.positionWidth, spacing: .relative,
        from: trained > 0 ? [trained, trained] : window, limit: Self.positionLimit,
        hasSecondBias: false, separation: isTransformers ? Self.transformersSeparation : 100))
  }

  func merging(_ stage: Int) -> PatchMerging {
    PatchMerging(
      map: map(stage - 1, grid), norm: Normalization(epsilon: Self.mergingEpsilon),
      outputs: width(stage), normsLast: true)
  }

  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let x = try map(of: image, stages: "layers", epsilon: Self.mergingEpsilon, in: &builder)
    return try Normalization(epsilon: layerNormEpsilon).append("norm", x, to: &builder)
  }

  func check() throws(Diagnostic) {
    try checkStages(windows)
    guard trainedWindows.count == depths.count,
      trainedWindows.allSatisfy({ 0...256 ~= $0 })
    else {
      throw fault("\(trainedWindows) are not windows of training for \(depths.count) stages")
    }
    guard numerics == .huggingFace else { return }
    for stage in depths.indices {
      // Distances would be divided by 0.
      guard windows(stage).window[0] > 0, trainedWindows[stage] != 1 else {
        throw fault(
          "stage \(stage) has windows of \(windows(stage).window[0]), of "
            + "\(trainedWindows[stage]) in training, which transformers cannot compute")
      }
    }
  }
}

/// How the models are known by name, and how their folders are read.
extension SwinV2 {
  // MARK: - timm

  static let variants = [
    row("swinv2_tiny_window8_256", 96, tiny, [3, 6, 12, 24], 8, paper: "SwinV2-T"),
    row("swinv2_tiny_window16_256", 96, tiny, [3, 6, 12, 24], 16, paper: "SwinV2-T-w16"),
    row("swinv2_small_window8_256", 96, deep, [3, 6, 12, 24], 8, paper: "SwinV2-S"),
    row("swinv2_small_window16_256", 96, deep, [3, 6, 12, 24], 16, paper: "SwinV2-S-w16"),
    row("swinv2_base_window8_256", 128, deep, [4, 8, 16, 32], 8, paper: "SwinV2-B"),
    row("swinv2_base_window16_256", 128, deep, [4, 8, 16, 32], 16, paper: "SwinV2-B-w16"),
    row(
      "swinv2_base_window12_192", 128, deep, [4, 8, 16, 32], 12, image: 192, classes: 21841,
      paper: "SwinV2-B-192"),
    row(
      "swinv2_base_window12to16_192to256", 128, deep, [4, 8, 16, 32], 16, trained: true,
      paper: "SwinV2-B-w12to16"),
    row(
      "swinv2_base_window12to24_192to384", 128, deep, [4, 8, 16, 32], 24, trained: true,
      image: 384, paper: "SwinV2-B-w12to24"),
    row(
      "swinv2_large_window12_192", 192, deep, [6, 12, 24, 48], 12, image: 192, classes: 21841,
      paper: "SwinV2-L-192"),
    row(
      "swinv2_large_window12to16_192to256", 192, deep, [6, 12, 24, 48], 16, trained: true,
      paper: "SwinV2-L-w12to16"),
    row(
      "swinv2_large_window12to24_192to384", 192, deep, [6, 12, 24, 48], 24, trained: true,
      image: 384, paper: "SwinV2-L-w12to24"),
  ]

  private static let tiny = [2, 2, 6, 2]
  private static let deep = [2, 2, 18, 2]

  private static func row(
    _ name: String, _ dim: Int, _ depths: [Int], _ heads: [Int], _ window: Int,
    trained: Bool = false, image: Int = 256, classes: Int = 1000, paper: String
  ) -> Variant {
    var model = SwinV2(
      name: name, image: image, dim: dim, depths: depths, heads: heads, window: window,
      classes: classes)
    if trained { model.trainedWindows = [12, 12, 12, 6] }
    model.preprocessing = .timm(
      height: image, width: image, cropFraction: image == 384 ? 1 : 0.9, filter: .bicubic,
      mean: Preprocessing.imageNet.0, deviation: Preprocessing.imageNet.1)
    return Variant(model, paperName: paper)
  }

  mutating func apply(_ timm: TimmArguments) throws(Diagnostic) {
    try timm.refuseOthers(
      than: [
        "img_size", "patch_size", "in_chans", "embed_dim", "depths", "num_heads", "window_size",
        "mlp_ratio", "qkv_bias", "pretrained_window_sizes",
      ])
    try applyStages(timm)
    qkvBias = try timm.object.bool("qkv_bias") ?? qkvBias
    if let sizes = try windowSizes(timm) {
      windows = sizes
    } else if windows.count != depths.count, let first = windows.first {
      windows = depths.map { _ in first }
    }
    if let trained = try timm.object.integers("pretrained_window_sizes") {
      trainedWindows = Array(trained.prefix(depths.count))
    } else if trainedWindows.count != depths.count {
      trainedWindows = depths.indices.map {
        trainedWindows.indices.contains($0) ? trainedWindows[$0] : 0
      }
    }
    if patch > 0 { storedGrid = grid }
  }

  // MARK: - transformers

  static let modelTypes = [
    TransformersModel(
      modelType: "swinv2", prefix: "swinv2.",
      anchor: [
        "embeddings.patch_embeddings.projection.weight",
        "encoder.layers.0.blocks.0.attention.self.logit_scale",
      ], processor: "ViT",
      // Microsoft's.
      assumed: .init(mode: .exact, edge: 256, .bicubic, Preprocessing.imageNet, crop: 256),
      crop: .isScaled
    ) { (root, name) throws(Diagnostic) in
      var model = try read(root, name)
      if let head = try TransformersHead(root, "swinv2") { model.setHead(head) }
      return model
    }
  ]

  private static func read(
    _ root: ConfigurationObject, _ name: String
  ) throws(Diagnostic) -> SwinV2 {
    let image = try root.extent("image_size") ?? (224, 224)
    let patch = try patchSide(root)
    var model = SwinV2(
      name: name, image: image.height, dim: try root.integer("embed_dim") ?? 96,
      depths: try root.integers("depths") ?? tiny,
      heads: try root.integers("num_heads") ?? [3, 6, 12, 24],
      window: try root.integer("window_size") ?? 7, classes: 0)
    model.imageWidth = image.width
    model.patch = patch
    model.channels = try root.integer("num_channels") ?? 3
    model.mlpRatio = try root.double("mlp_ratio") ?? 4
    model.activation = try ActivationFunction(root, "hidden_act", default: "gelu")
    model.layerNormEpsilon = try root.double("layer_norm_eps") ?? 1e-5
    model.qkvBias = try root.bool("qkv_bias") ?? true
    if let trained = try root.integers("pretrained_window_sizes") {
      model.trainedWindows = Array(trained.prefix(model.depths.count))
    }
    model.numerics = .huggingFace
    model.storedGrid = model.grid
    return model
  }
}

extension NameTable {
  /// transformers' names of the second version of Swin, where they differ from the first's.
  static let transformersSwinV2: NameTable = {
    let attention = "encoder.layers.{i}.blocks.{i}.attention.self"
    return .transformersSwin
      + [
        "layers.{i}.blocks.{i}.attn.logit_scale": .init("\(attention).logit_scale"),
        "layers.{i}.blocks.{i}.attn.cpb_mlp.{i}": .init(
          "\(attention).continuous_position_bias_mlp.{i}"),
      ]
  }()
}
