import Diagnostics
import IR

/// timm's other reading of the second version of Swin Transformers, made before its authors'
/// (Christoph Reich's): windows that are a share of the map, positions of another network and
/// spacing, norms before maps are merged, and norms of the sum now and then.
///
/// `features` is the mean of the pixels.
///
/// Reference: Liu et al. 2021, arXiv:2111.09883; timm's `swin_transformer_v2_cr.py`.
struct SwinV2CR: StagedFamily {
  static let title = "swinv2_cr"

  /// What is added to the variance in all norms.
  private static let epsilon = 1e-5
  /// The width of the network that makes positions.
  private static let positionWidth = 384

  /// How windows are said.
  enum WindowRule: Hashable, Sendable {
    /// As so many-th parts of rows and columns of patches, for each stage.
    case shares([Int])
    /// As rows and columns, for each stage.
    case sides([[Int]])
  }

  var facts: ModelFacts
  var patch = 4
  var dim: Int
  var depths: [Int]
  var heads: [Int]
  /// The windows of each stage, where the map is as large.
  var windowRule: WindowRule
  var mlpRatio = 4.0
  /// Of every so many blocks of a stage the last ends with a norm; 0: of none.
  var normPeriod = 0
  /// `true` iff the last block of each stage ends with a norm; that of the last stage does always.
  var normsStages = false

  init(name: String, image: Int, dim: Int, depths: [Int], heads: [Int], classes: Int) {
    facts = ModelFacts(name: name, image: image, classes: classes)
    self.dim = dim
    self.depths = depths
    self.heads = heads
    windowRule = .shares(depths.map { _ in 8 })
  }

  var storedNames: StoredNames { .none }

  static let modelTypes: [TransformersModel] = []

  /// No other library has these models.
  mutating func follow(_ convention: NumericsConvention) { numerics = convention }

  var numericsSummary: String { "\(numerics.rawValue): gelu, layer norm epsilon \(Self.epsilon)" }

  // MARK: - Body

  /// Rows and columns of the windows of each stage, where the map is as large.
  private var fullWindows: [[Int]] {
    switch windowRule {
    case .sides(let sides): sides
    case .shares(let shares): shares.map { share in grid.map { max(1, $0 / max(share, 1)) } }
    }
  }

  func block(_ stage: Int, _ index: Int) -> CosineBlock {
    let (map, full) = (map(stage, grid), fullWindows[stage])
    let shift = zip(map, full).map { $0 <= $1 || index % 2 == 0 ? 0 : $1 / 2 }
    let isLast = index + 1 == depths[stage]
    let window = zip(map, full).map { min($0, $1) }
    return CosineBlock(
      norm: Normalization(epsilon: Self.epsilon), heads: heads[stage], biases: .all,
      projections: .together, storedScale: [heads[stage]],
      feedForward: FeedForward(hidden: hidden(stage)),
      windows: WindowGrid(image: map, window: window, shift: shift, movesFirst: true),
      positions: ContinuousPositions(
        hidden: Self.positionWidth, spacing: .absolute, from: window, limit: nil,
        hasSecondBias: true),
      normsSum: normPeriod > 0 && (index + 1) % normPeriod == 0
        || isLast && (normsStages || stage + 1 == depths.count))
  }

  func merging(_ stage: Int) -> PatchMerging {
    PatchMerging(
      map: map(stage - 1, grid), norm: Normalization(epsilon: Self.epsilon),
      outputs: width(stage))
  }

  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try map(of: image, stages: "stages", epsilon: Self.epsilon, in: &builder)
  }

  func check() throws(Diagnostic) {
    try checkStages(fullWindows)
    guard 0...1 << 14 ~= normPeriod else {
      throw fault("a norm every \(normPeriod) blocks is out of range")
    }
  }
}

/// How the models are known by name.
extension SwinV2CR {
  static let variants = [
    row("swinv2_cr_tiny_384", tiny, image: 384),
    row("swinv2_cr_tiny_224", tiny),
    row("swinv2_cr_tiny_ns_224", tiny, normsStages: true),
    row("swinv2_cr_small_384", small, image: 384),
    row("swinv2_cr_small_224", small),
    row("swinv2_cr_small_ns_224", small, normsStages: true),
    row("swinv2_cr_small_ns_256", small, normsStages: true, image: 256),
    row("swinv2_cr_base_384", base, image: 384),
    row("swinv2_cr_base_224", base),
    row("swinv2_cr_base_ns_224", base, normsStages: true),
    row("swinv2_cr_large_384", large, image: 384),
    row("swinv2_cr_large_224", large),
    row("swinv2_cr_huge_384", (352, 18, 11), normPeriod: 6, image: 384),
    row("swinv2_cr_huge_224", (352, 18, 8), normPeriod: 6),
    row("swinv2_cr_giant_384", giant, normPeriod: 6, image: 384),
    row("swinv2_cr_giant_224", giant, normPeriod: 6),
  ]

  /// The width of the first stage, the blocks of the third, the heads of the first.
  private typealias Size = (dim: Int, depth: Int, heads: Int)
  private static let tiny: Size = (96, 6, 3)
  private static let small: Size = (96, 18, 3)
  private static let base: Size = (128, 18, 4)
  private static let large: Size = (192, 18, 6)
  private static let giant: Size = (512, 42, 16)

  private static func row(
    _ name: String, _ size: Size, normsStages: Bool = false, normPeriod: Int = 0,
    image: Int = 224
  ) -> Variant {
    var model = SwinV2CR(
      name: name, image: image, dim: size.dim, depths: [2, 2, size.depth, 2],
      heads: (0..<4).map { size.heads << $0 }, classes: 1000)
    model.normsStages = normsStages
    model.normPeriod = normPeriod
    model.preprocessing = .timm(
      height: image, width: image, cropFraction: image == 224 ? 0.9 : 1, filter: .bicubic,
      mean: Preprocessing.imageNet.0, deviation: Preprocessing.imageNet.1)
    return Variant(model, paperName: nil)
  }

  mutating func apply(_ timm: TimmArguments) throws(Diagnostic) {
    // `init_values` are the norms' before training, and no forward pass reads `sequential_attn`.
    try timm.refuseOthers(
      than: [
        "img_size", "patch_size", "in_chans", "embed_dim", "depths", "num_heads", "window_size",
        "window_ratio", "mlp_ratio", "extra_norm_period", "extra_norm_stage", "init_values",
        "sequential_attn",
      ])
    try applyStages(timm)
    let arguments = timm.object
    normPeriod = try arguments.integer("extra_norm_period") ?? normPeriod
    normsStages = try arguments.bool("extra_norm_stage") ?? normsStages
    if let sizes = try windowSizes(timm) {
      windowRule = .sides(sizes)
    } else if let share = arguments.value("window_ratio")?.integer {
      windowRule = .shares(depths.map { _ in share })
    } else if let shares = try arguments.integers("window_ratio") {
      windowRule = .shares(shares)
    } else if case .shares(let shares) = windowRule, shares.count != depths.count {
      windowRule = .shares(depths.map { _ in shares[0] })
    }
  }
}
