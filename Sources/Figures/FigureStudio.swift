import Diagnostics
import Evaluation
import IR
import Models

/// Makes the figures of a model: those of its weights, and those of photos that it is shown.
///
/// Everything is computed on the graph as the model is written, in double precision; the weights
/// are the checkpoint's, in single precision.
public struct FigureStudio {
  private let model: Model
  private let graph: Graph
  private let evaluator: Evaluator
  private let anatomy: Anatomy
  private let geometry: TokenGeometry
  private let fusion: AttentionRollout.Fusion
  private var distance: DistanceFigure?
  private var rollout: RolloutFigure?
  private var layers: LayerFigure?
  private let measure: HeadDistances?
  private var photos = 0

  /// - Parameter fusion: what becomes of the heads in rollout.
  public init(
    _ model: Model, fusion: AttentionRollout.Fusion = .mean
  ) throws(Diagnostic) {
    self.model = model
    self.fusion = fusion
    graph = try model.graph(outputs: model.defaultOutputs)
    evaluator = Evaluator(graph) { (name) throws(Diagnostic) in try model.checkpoint.read(name) }
    geometry = model.configuration.geometry
    if case .grid(let grid) = geometry {
      anatomy = Anatomy(graph, tokens: grid.tokens)
      // What a patch covers, in hybrids too.
      let patch = zip(
        [model.configuration.imageHeight, model.configuration.imageWidth], grid.grid
      ).map { Double($0) / Double($1) }
      let measure = HeadDistances(grid, patch: patch)
      self.measure = measure
      distance = DistanceFigure(measure)
      rollout = RolloutFigure(grid, fusion)
    } else {
      anatomy = Anatomy(graph, tokens: nil)
      measure = nil
    }
    layers = LayerFigure(shownLayers.map(\.name))
  }

  /// What the layers' figure shows: the tokens that the first block reads, and those that each
  /// leaves.
  private var shownLayers: [(name: String, value: Value)] {
    (anatomy.embedding.map { [("the embedding", $0)] } ?? [])
      + anatomy.blocks.compactMap { block in block.output.map { (block.name, $0) } }
  }

  /// Shows the model a photo.
  ///
  /// - Parameters:
  ///   - pixels: the model's input, `[channels, height, width]`.
  ///   - name: of the photo.
  /// - Throws: what reading a weight throws; values that are not finite.
  public mutating func add(_ pixels: [Double], named name: String) throws(Diagnostic) {
    let configuration = model.configuration
    let input = DenseTensor(
      shape: [configuration.channels, configuration.imageHeight, configuration.imageWidth],
      values: pixels)
    let names = graph.nodes.compactMap { node -> String? in
      if case .input = node.op { node.name } else { nil }
    }
    var seen = SeenPhoto(
      anatomy, geometry, shownLayers.map(\.value), measure, fusion,
      map: PlaceMap(configuration))
    do throws(Diagnostic) {
      try evaluator.visit(
        seen.wanted, Dictionary(names.map { ($0, input) }, uniquingKeysWith: { $1 })
      ) { (value, tensor) throws(Diagnostic) in try seen.take(value, tensor) }
    } catch {
      var located = error
      if located.location == nil { located.location = .file(name) }
      throw located
    }
    photos += 1
    let view = PhotoView(configuration).raster(of: pixels)
    if !seen.heads.isEmpty { distance?.add(seen.heads) }
    if case .grid(let grid) = geometry, let rows = seen.rollout {
      rollout?.add(rows.row(from: grid.start(query: seen.query)), photo: view, named: name)
    }
    layers?.add(seen.colors, photo: view, named: name)
  }

  /// Makes the figures of what was added: each, or why there is none.
  public func results() throws(Diagnostic) -> [FigureResult] {
    [
      try filters(), try positions(), distances(), rollouts(), tokens(),
    ]
  }

  private func constant(_ value: Value) throws(Diagnostic) -> DenseTensor<Double> {
    try evaluator.constant(value, in: Double.self)
  }

  private func filters() throws(Diagnostic) -> FigureResult {
    guard let (value, arePatches) = anatomy.filters else {
      return .gap(FilterFigure.gap("no filters read the image"))
    }
    return try FilterFigure.make(try constant(value), arePatches: arePatches)
  }

  private func positions() throws(Diagnostic) -> FigureResult {
    guard case .grid(let grid) = geometry else {
      guard let found = anatomy.positions, let stored = found.grid ?? mapOfTable(found.value) else {
        return .gap(
          PositionFigure.gap(
            geometry == .convolutions
              ? "convolutions have no positions"
              : "positions are added to the scores of windows, not to patches"))
      }
      let table = try patches(of: found.value, prefix: found.prefix, count: stored[0] * stored[1])
      return PositionFigure.make(
        table, grid: stored, compiled: mapOfTokens ?? stored, kind: .table)
    }
    let compiled = grid.grid
    if let found = anatomy.positions {
      let stored = found.grid ?? compiled
      let count = stored[0] * stored[1]
      let prefix =
        found.grid == nil
        ? graph[found.value].type.shape[0] - count - grid.suffix
        : found.prefix
      return PositionFigure.make(
        try patches(of: found.value, prefix: prefix, count: count), grid: stored,
        compiled: compiled, kind: .table)
    }
    if let rotations = anatomy.rotations {
      let count = grid.patches
      let rows = graph[rotations].type.shape[0] - grid.suffix
      return PositionFigure.make(
        try patches(of: rotations, prefix: rows - count, count: count), grid: compiled,
        compiled: compiled, kind: .rotation)
    }
    return .gap(
      PositionFigure.gap(
        anatomy.hasRelativeBias
          ? "the model has no positions of patches: scores of two patches get a learned number "
            + "that depends on their difference"
          : "the model has no positions"))
  }

  /// Rows of a table, from the first patch on.
  private func patches(
    of value: Value, prefix: Int, count: Int
  ) throws(Diagnostic) -> DenseTensor<Double> {
    let table = try constant(value)
    let dim = table.columns
    return DenseTensor(
      shape: [count, dim], values: Array(table.values[prefix * dim..<(prefix + count) * dim]))
  }

  /// Rows and columns of a table of positions that is not resized.
  private func mapOfTable(_ value: Value) -> [Int]? {
    PlaceMap(model.configuration).grid(places: graph[value].type.shape[0])
  }

  private var mapOfTokens: [Int]? {
    anatomy.embedding.flatMap { mapOfTable($0) }
  }

  private func distances() -> FigureResult {
    guard case .grid(let grid) = geometry else {
      return .gap(DistanceFigure.gap(noAttention))
    }
    guard photos > 0, let distance else { return .gap(DistanceFigure.gap(Self.noPhotos)) }
    guard anatomy.blocks.contains(where: { !$0.attentions.isEmpty }) else {
      return .gap(DistanceFigure.gap("no block has attention"))
    }
    return .figure(
      distance.figure(grid, isDifferential: anatomy.blocks.contains(where: \.isDifferential)))
  }

  private func rollouts() -> FigureResult {
    guard case .grid = geometry else { return .gap(RolloutFigure.gap(noAttention)) }
    if anatomy.blocks.contains(where: \.isDifferential) {
      return .gap(
        RolloutFigure.gap(
          "each head is the difference of two, so its weights are no shares to be multiplied"
        ))
    }
    guard photos > 0, let rollout else { return .gap(RolloutFigure.gap(Self.noPhotos)) }
    return .figure(rollout.figure())
  }

  private func tokens() -> FigureResult {
    guard photos > 0, let layers else { return .gap(LayerFigure.gap(Self.noPhotos)) }
    return .figure(layers.figure())
  }

  private static let noPhotos = "it needs photos, and none were given"

  /// Why there are no figures of attention.
  private var noAttention: String {
    switch geometry {
    case .windows:
      "attention is within windows in most blocks, so its weights are of other tokens in each "
        + "window, and distances are bounded by the windows"
    case .convolutions, .grid: "the model has no attention: it is made of convolutions"
    }
  }
}
