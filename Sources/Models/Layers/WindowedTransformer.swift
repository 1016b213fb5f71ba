import Diagnostics
import IR

/// A Transformer whose tokens stay a map of pixels, with attention in windows in most of its
/// blocks, and convolutions after them.
///
/// The families that it serves differ in what is set here.
struct WindowedTransformer: HasModelFacts, Hashable, Sendable {
  /// What follows the last block.
  enum Neck: Hashable, Sendable {
    /// Nothing.
    case none
    /// A norm of each pixel.
    case norm
    /// A convolution of one pixel, a norm, a convolution of 3x3 pixels and a norm, of this width.
    case convolutions(Int)
  }

  /// The epsilon of the neck's norms, in all libraries.
  private static let neckEpsilon = 1e-6

  /// What every model has.
  var facts: ModelFacts
  /// The side of a patch.
  var patch: Int
  /// D, the width of a token.
  var dim: Int
  /// The number of blocks.
  var depth: Int
  /// The number of attention heads.
  var heads: Int
  /// The width inside the MLP.
  var mlpHidden: Int
  /// The function inside the MLP.
  var activation = ActivationFunction.gelu
  /// What is added to the variance in the norms of blocks.
  var layerNormEpsilon: Double
  /// `true` iff q, k and v have biases.
  var qkvBias = true
  /// `true` iff there is a table of positions that are added.
  var hasPositionTable = true
  /// `true` iff that is stored as a map; else as rows, of which the first is not read.
  var positionsAreMap = true
  /// The grid of the position table: rows, then columns.
  var positionGrid: [Int]
  /// How the position table is resized.
  var positionResize = ResizeMethod.bicubicAntialiased
  /// The grid that vectors are learned for by relative position in blocks without windows; `nil`:
  /// there are none.
  var relativeGrid: [Int]?
  /// The side of a window.
  var window: Int
  /// The blocks whose attention has windows.
  var windowed: Set<Int>
  /// What follows the last block.
  var neck: Neck
  /// `true` iff `features` are the mean of the pixels; `false`: there are none.
  var isPooled = true

  /// The number of rows and of columns of patches.
  var grid: [Int] { [imageHeight / patch, imageWidth / patch] }
  /// The width of what the neck leaves.
  var outputDim: Int { if case .convolutions(let width) = neck { width } else { dim } }

  private var norm: Normalization { Normalization(epsilon: layerNormEpsilon) }

  /// A block, by its index.
  private func block(_ index: Int) -> WindowedBlock {
    let side = windowed.contains(index) ? [window, window] : nil
    return WindowedBlock(
      norm: norm, heads: heads, hasBias: qkvBias,
      feedForward: FeedForward(hidden: mlpHidden, activation: activation),
      windows: WindowGrid(image: grid, window: side ?? grid),
      positions: relativeGrid.map { .axes(learned: side ?? $0) } ?? .none)
  }

  /// All pixels of the last map, row by row.
  func tokens(of image: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var x = try PatchEmbedding(patch: patch, dim: dim).append(image, to: &builder)
    if hasPositionTable {
      x = try builder.sum(x, try positions(&builder), name: "\(PositionTable.name).add")
    }
    for index in 0..<depth { x = try block(index).append("blocks.\(index)", x, to: &builder) }
    let norm = Normalization(epsilon: Self.neckEpsilon)
    switch neck {
    case .none: return x
    case .norm: return try norm.append("neck", x, to: &builder)
    case .convolutions(let width):
      x = try convolution("neck.0", x, width, size: 1, &builder)
      x = try norm.append("neck.1", x, to: &builder)
      x = try convolution("neck.2", x, width, size: 3, &builder)
      return try norm.append("neck.3", x, to: &builder)
    }
  }

  private func positions(_ builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    let (name, count) = (PositionTable.name, positionGrid[0] * positionGrid[1])
    var table: Value
    if positionsAreMap {
      table = try builder.append(
        .reshape(Reshape([count, dim])), [try builder.weight(name, [1] + positionGrid + [dim])],
        name: "\(name).rows")
    } else {
      table = try builder.rows(
        try builder.tokens(name, count + 1, dim), from: 1, count: count, name: "\(name).patches")
    }
    guard grid != positionGrid else { return table }
    table = try builder.append(
      .resizePositionEmbedding(
        ResizePositionEmbedding(from: positionGrid, to: grid, prefix: 0, method: positionResize)),
      [table], name: "\(name).resized")
    return table
  }

  private func convolution(
    _ name: String, _ x: Value, _ width: Int, size: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let channels = builder.type(x).shape[1]
    let weight = try builder.weight("\(name).weight", [width, channels, size, size])
    let op = Conv2d(width: grid[1], padding: Padding(size / 2))
    return try builder.append(.conv2d(op), [x, weight], name: name)
  }

  /// One row: the mean of all pixels.
  func pooled(_ tokens: Value, in builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    isPooled ? try builder.mean(tokens, name: "pool.mean") : tokens
  }

  /// The layers that make logits.
  var classifiers: [Head] { [Head(name: "head.fc", inputs: outputDim)] }

  /// The multiply-adds of one image as the model is written.
  var multiplyAdds: Int {
    let places = grid[0] * grid[1]
    let blocks = (0..<depth).reduce(0) { $0 + block($1).multiplyAdds(dim: dim) }
    var neckProducts = 0
    if case .convolutions(let width) = neck { neckProducts = places * width * (dim + 9 * width) }
    return channels * patch * patch * dim * places + blocks + neckProducts + outputDim * classes
  }

  /// Its sizes by name.
  var architecture: [String: Int] {
    ["depth": depth, "dim": dim, "heads": heads, "patch": patch, "tokens": grid[0] * grid[1]]
  }

  /// Its sizes in a few words.
  var summary: String {
    "\(depth) blocks of \(dim), \(windowed.count) of them in windows of \(window), "
      + "\(grid[0])x\(grid[1]) pixels at the end"
  }

  /// The convention and what follows from it, in one line.
  var numericsSummary: String {
    var parts = [activation.rawValue, "layer norm epsilon \(layerNormEpsilon)"]
    if hasPositionTable, grid != positionGrid {
      parts.append("positions resized \(positionResize.rawValue)")
    }
    return "\(numerics.rawValue): \(parts.joined(separator: ", "))"
  }

  /// An extent must be a multiple of a patch.
  func problem(extent: Int, _ what: String) -> Diagnostic? {
    guard extent >= patch, extent <= Self.imageLimit else {
      return Diagnostic(
        "image \(what) \(extent) is out of range; patch size is \(patch)",
        hint: "sizes from \(patch) to \(Self.imageLimit) are possible")
    }
    guard extent % patch == 0 else {
      return Diagnostic(
        "image \(what) \(extent) is not a multiple of the patch size \(patch)",
        hint: "\(extent / patch * patch) and \((extent / patch + 1) * patch) are the nearest")
    }
    return nil
  }

  /// Checks that the numbers fit together.
  func check() throws(Diagnostic) {
    try checkFacts()
    let positive: [(String, Int, Int)] = [
      ("patch size", patch, 1024), ("width", dim, 1 << 16), ("depth", depth, 1024),
      ("number of heads", heads, 1024), ("MLP width", mlpHidden, 1 << 20),
      ("width of the neck", outputDim, 1 << 16),
      ("position grid", positionGrid[0], Self.imageLimit),
      ("position grid", positionGrid[1], Self.imageLimit),
    ]
    for (what, value, limit) in positive where value < 1 || value > limit {
      throw fault("\(what) is \(value), expected 1 to \(limit)")
    }
    guard windowed.isEmpty || 1...1024 ~= window else {
      throw fault("side of a window is \(window), expected 1 to 1024")
    }
    guard windowed.allSatisfy({ 0..<depth ~= $0 }) else {
      throw fault("windows in blocks \(windowed.sorted()) of \(depth)")
    }
    guard dim % heads == 0 else { throw fault("width \(dim) does not divide into \(heads) heads") }
    guard grid[0] > 0, grid[1] > 0 else {
      throw fault("image \(imageHeight)x\(imageWidth) is smaller than a patch of \(patch)")
    }
    guard layerNormEpsilon >= 0, layerNormEpsilon < 1 else {
      throw fault("layer norm epsilon is \(layerNormEpsilon), expected 0 to 1")
    }
  }
}
