import Diagnostics
import IR

/// A family whose models work on maps that are merged from stage to stage, in blocks of attention
/// within windows: Swin Transformers.
///
/// `tokens` are the pixels of the last map, row by row, and `features` is their mean.
protocol StagedFamily: Family {
  /// The side of a patch.
  var patch: Int { get set }
  /// The width of the first stage; each later one has twice that of the one before.
  var dim: Int { get set }
  /// The number of blocks of each stage.
  var depths: [Int] { get set }
  /// The number of heads of each stage.
  var heads: [Int] { get set }
  /// What the width inside the MLP is to that of the stage.
  var mlpRatio: Double { get set }
  /// What a stage after the first begins with.
  func merging(_ stage: Int) -> PatchMerging
  /// What the blocks are.
  associatedtype Block: StagedBlock
  /// A block of a stage, by its index there.
  func block(_ stage: Int, _ index: Int) -> Block
}

extension StagedFamily {
  /// The head reads the mean of the pixels.
  var classifiers: [Head] { [Head(name: "head.fc", inputs: width(depths.count - 1))] }

  var hasFeatures: Bool { true }

  /// Tokens are pixels.
  var prefixTokens: Int { 0 }

  var geometry: TokenGeometry { .windows }

  /// Nothing: the configuration says the sizes of the tables.
  func adapt(to stored: inout StoredModel) {}

  /// All pixels of the last map: a norm of the patches, then the stages, which are called `names`.
  func map(
    of image: Value, stages names: String, epsilon: Double, in builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var x = try PatchEmbedding(patch: patch, dim: dim).append(image, to: &builder)
    x = try Normalization(epsilon: epsilon).append("patch_embed.norm", x, to: &builder)
    for (stage, depth) in depths.enumerated() {
      let name = "\(names).\(stage)"
      if stage > 0 { x = try merging(stage).append("\(name).downsample", x, to: &builder) }
      for index in 0..<depth {
        x = try block(stage, index).append("\(name).blocks.\(index)", x, to: &builder)
      }
    }
    return x
  }

  /// That of a stage; blocks are counted by stages.
  func tokenMap(afterBlock index: Int?) -> TokenMap {
    TokenMap(prefix: 0, grid: map(index ?? depths.count - 1, grid))
  }

  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try builder.mean(tokens, name: "pool.mean")
  }

  func pooler(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    throw noPooler
  }

  func features(_ pooled: Value, in builder: inout ModelBuilder) -> Value { pooled }

  func logits(_ pooled: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    try classifiers[0].append(pooled, classes: classes, to: &builder)
  }

  // MARK: - Sizes

  /// The width of a stage.
  func width(_ stage: Int) -> Int { dim << stage }

  /// The width inside the MLP of a stage.
  func hidden(_ stage: Int) -> Int { Int(Double(width(stage)) * mlpRatio) }

  /// Rows and columns of patches.
  var grid: [Int] { [imageHeight / patch, imageWidth / patch] }

  /// Rows and columns of the map of a stage, for a grid of patches.
  func map(_ stage: Int, _ patches: [Int]) -> [Int] {
    (0..<stage).reduce(patches) { map, _ in map.map { ($0 + 1) / 2 } }
  }

  var multiplyAdds: Int {
    var sum = channels * patch * patch * dim * grid[0] * grid[1]
    for (stage, depth) in depths.enumerated() {
      if stage > 0 { sum += merging(stage).multiplyAdds(dim: width(stage - 1)) }
      for index in 0..<depth { sum += block(stage, index).multiplyAdds(dim: width(stage)) }
    }
    return sum + classifiers[0].inputs * classes
  }

  var architecture: [String: Int] {
    let last = map(depths.count - 1, grid)
    return [
      "depth": depths.reduce(0, +), "dim": width(depths.count - 1), "patch": patch,
      "tokens": last[0] * last[1],
    ]
  }

  var summary: String {
    let last = map(depths.count - 1, grid)
    return "stages of \(depths.map(String.init).joined(separator: ", ")) blocks from \(dim) on, "
      + "\(last[0])x\(last[1]) pixels at the end"
  }

  func problem(extent: Int, _ what: String) -> Diagnostic? {
    guard extent >= patch, extent <= Self.imageLimit, extent % max(patch, 1) == 0 else {
      return Diagnostic(
        "image \(what) \(extent) is no multiple of the patch size \(patch)",
        hint: "multiples from \(patch) to \(Self.imageLimit) are possible")
    }
    return nil
  }

  /// Throws unless stages, heads and windows go together.
  func checkStages(_ windows: [[Int]]) throws(Diagnostic) {
    try checkFacts()
    let counts = [depths.count, heads.count, windows.count]
    guard 1...8 ~= depths.count, Set(counts).count == 1 else {
      throw fault("\(counts) depths, heads and windows, expected as many of each, 1 to 8")
    }
    guard 1...256 ~= patch, 1...1 << 14 ~= dim, mlpRatio > 0, mlpRatio < 100 else {
      throw fault("patch size \(patch), width \(dim) or MLP ratio \(mlpRatio) is out of range")
    }
    for stage in depths.indices {
      guard 1...1024 ~= depths[stage], 1...1024 ~= heads[stage], windows[stage].count == 2,
        windows[stage].allSatisfy({ 1...256 ~= $0 }), width(stage) % heads[stage] == 0
      else {
        throw fault(
          "stage \(stage) has \(depths[stage]) blocks of \(width(stage)), \(heads[stage]) heads "
            + "and windows of \(windows[stage]), which do not go together")
      }
      let map = map(stage, grid)
      guard map[0] > 0, map[1] > 0 else { throw fault("the image is smaller than a patch") }
    }
  }

  // MARK: - timm

  /// Takes over the arguments of timm's constructors that the stages have in common.
  mutating func applyStages(_ timm: TimmArguments) throws(Diagnostic) {
    let arguments = timm.object
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
    channels = try arguments.integer("in_chans") ?? channels
    dim = try arguments.integer("embed_dim") ?? dim
    depths = try arguments.integers("depths") ?? depths
    heads = try arguments.integers("num_heads") ?? heads
    mlpRatio = try arguments.double("mlp_ratio") ?? mlpRatio
    if let pool = timm.pool, pool != "avg" {
      throw Diagnostic(
        "unknown 'global_pool' '\(pool)'", at: .file(arguments.path),
        hint: "vitc supports 'avg' for \(Self.title)")
    }
  }

  /// Rows and columns of the windows of each stage as timm's `window_size` says: a side, height and
  /// width, or a side for each stage; `nil`: it does not say.
  func windowSizes(_ timm: TimmArguments) throws(Diagnostic) -> [[Int]]? {
    guard let value = timm.object.value("window_size"), value != .null else { return nil }
    if let side = value.integer { return depths.map { _ in [side, side] } }
    let sides = try timm.object.integers("window_size") ?? []
    return sides.count == 2 ? depths.map { _ in sides } : sides.map { [$0, $0] }
  }

  // MARK: - transformers

  /// The side of a square patch that a configuration of transformers says.
  static func patchSide(_ root: ConfigurationObject) throws(Diagnostic) -> Int {
    let patch = try root.extent("patch_size") ?? (4, 4)
    guard patch.height == patch.width, patch.height > 0 else {
      throw Diagnostic(
        "'patch_size' is \(patch.height)x\(patch.width), expected a square", at: .file(root.path))
    }
    if try root.bool("use_absolute_embeddings") ?? false {
      throw Diagnostic(
        "'use_absolute_embeddings' adds a table of positions, which vitc does not for Swin",
        at: .file(root.path))
    }
    return patch.height
  }
}
