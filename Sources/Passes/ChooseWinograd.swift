import Diagnostics
import IR

extension Pass {
  /// Computes 3x3 convolutions of stride 1 in Winograd's way where that is faster.
  ///
  ///     %y: f32[3136,64], %y.moments: f32[56,64] = convolution %x, %w, %f
  ///         {width = 56, kernel = [3, 3], padding = [1, 1, 1, 1], normalized = true, chunk = 112}
  ///     %g: f32[2,64] = group_scale_shift %y.moments, … {…, rows = 3136, chunk = 112}
  /// becomes
  ///     %y.winograd: f32[2,36,64,32] = winograd_weight %w {tile = 4}
  ///     %y: f32[3136,64], %y.moments: f32[28,64] = convolution %x, %y.winograd, %f
  ///         {…, normalized = true, chunk = 224, algorithm = "winograd4", columns = 64}
  ///     %g: f32[2,64] = group_scale_shift %y.moments, … {…, rows = 3136, chunk = 224}
  ///
  /// A chunk of the moments becomes a row of tiles. The cheapest of the plain sums and the tiles of
  /// 2 and 4 is taken, by `sqrt(flops^2 + (12 * bytes)^2)`:
  ///
  /// - `flops` are those of the matmuls, and 12 for each element of the two transforms' results;
  /// - `bytes` are the weights', which one image reads from memory once: 4 times as many for a tile
  ///   of 4 as for the plain sums, 1.8 times for one of 2. A machine does about 12 operations in
  ///   the time of a byte: 236 GFLOP/s and 19 GB/s on 2 cores of Zen 4, 475 and 40 on 2 of Zen 5;
  /// - the root models work and reading that overlap, but never entirely.
  ///
  /// All instruction sets read one blob of weights, so the choice is one for all of them. In ms on
  /// 2 cores of Zen 4 (AVX-512), weights cold, as measured and (as this formula says):
  ///
  /// | layer     | plain       | tile of 2   | tile of 4   |
  /// |-----------|-------------|-------------|-------------|
  /// | 56x56x64  | 1.00 (0.98) | 0.51 (0.52) | 0.31 (0.29) |
  /// | 28x28x128 | 1.03 (0.98) | 0.47 (0.48) | 0.30 (0.29) |
  /// | 14x14x256 | 1.02 (0.99) | 0.52 (0.50) | 0.60 (0.58) |
  /// | 7x7x512   | 1.14 (1.09) | 0.89 (1.03) | 1.95 (1.94) |
  ///
  /// A tile of 4 is not for the deepest models: its error adds to that of 50 and more layers. The
  /// logits of R152x1 with `seed:1` are off from float64 by 5.2e-5 (relative L2) with tiles of 4,
  /// 3.4e-5 with tiles of 2 only, and 3.6e-5 with plain sums; those of R101x1, with 33 such
  /// convolutions, by 2.3e-5 and 1.4e-5.
  ///
  /// Where plain sums are to be of bf16, they take half the time for half the bytes; Winograd's way
  /// stays in f32, since its transforms lose too much by rounding.
  ///
  /// Declines where nothing is gained, where the weight is not a constant or has been rounded, and
  /// where something else than group norms reads the moments.
  public static let chooseWinograd = chooseWinograd { _ in .f32 }

  /// The same where plain sums are of the precision that `plain` tells for the name of a
  /// convolution.
  public static func chooseWinograd(
    plain: @escaping @Sendable (String) -> Precision
  ) -> Pass {
    Pass("choose-winograd", "3x3 convolutions in Winograd's way where that is faster", .fused) {
      (graph, context) throws(Diagnostic) in
      try choose(graph, &context, plain)
    }
  }
}

/// The most 3x3 convolutions of a model that may use tiles of 4.
private let mostInTilesOf4 = 40

/// What a way to compute a convolution takes.
private struct WinogradCost {
  var flops: Double
  var weightBytes: Double

  /// Operations in the time of a byte from memory.
  static let flopsPerByte = 12.0
  /// Operations in the time that the transforms take for an element of their results: measured as
  /// 11.5 (56x56x64) and 13 (28x28x128) for a tile of 4.
  static let flopsPerElement = 12.0

  /// The time, in operations.
  var total: Double {
    let reading = WinogradCost.flopsPerByte * weightBytes
    return (flops * flops + reading * reading).squareRoot()
  }

  /// The plain sums, or Winograd's way with a tile.
  init(
    tile: WinogradTile?, height: Int, width: Int, channels: Int, columns: Int,
    plain: Precision = .f32
  ) {
    let weights = Double(channels) * Double(columns)
    guard let tile else {
      // Two bf16 operands take the place of one float, and are multiplied as fast; `use-bf16`
      // leaves an odd number of channels alone.
      let part = plain == .f32 || channels % 2 != 0 ? 1 : 0.5
      flops = part * 18 * Double(height * width) * weights
      weightBytes = part * 9 * 4 * weights
      return
    }
    let elements = Double(tile.frequencies * tile.count(height: height, width: width))
    flops = elements * (2 * weights + WinogradCost.flopsPerElement * Double(channels + columns))
    weightBytes = 4 * Double(tile.frequencies) * weights
  }
}

private func choose(
  _ graph: Graph, _ context: inout PassContext, _ plain: (String) -> Precision
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  let candidates = graph.firstResults.filter { isCandidate($0, facts) }
  let allowed = WinogradTile.allCases.filter {
    $0 != .four || candidates.count <= mostInTilesOf4
  }
  let sites = candidates.compactMap { value in
    bestTile(value, facts, of: allowed, plain(graph[value].name)).map {
      (value: value, tile: $0)
    }
  }
  let tiles = Dictionary(
    uniqueKeysWithValues: context.take(sites).map { ($0.value, $0.tile) })
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    if case .convolution(let op) = node.op, let tile = tiles[rewriter.current] {
      return try replace(op, node, tile, &rewriter)
    }
    if case .groupScaleShift(var op) = node.op, case let moments = node.operands[0],
      tiles[moments.sibling(0)] != nil,
      case .convolution(let replaced) = rewriter.node(rewriter[moments]).op,
      let chunk = replaced.chunk
    {
      op.chunk = chunk
      return try rewriter.append(.groupScaleShift(op), rewriter[node.operands], name: node.name)
    }
    return nil
  }.graph
}

/// `true` iff Winograd's way is one to compute a value.
private func isCandidate(_ value: Value, _ facts: GraphFacts) -> Bool {
  let node = facts.graph[value]
  guard case .convolution(let op) = node.op, !facts.isConstant(value) else { return false }
  return op.width != nil && op.kernel == [3, 3] && op.stride == 1 && op.padding == Padding(1)
    && op.columns == nil && facts.isConstant(node.operands[1])
    && facts.graph[node.operands[1]].type.element == .f32
    && (op.chunk == nil || momentsAreForNorms(value, facts))
}

/// The tile to compute a candidate with; `nil` for the plain sums.
private func bestTile(
  _ value: Value, _ facts: GraphFacts, of tiles: [WinogradTile], _ plain: Precision
) -> WinogradTile? {
  let node = facts.graph[value]
  guard case .convolution(let op) = node.op, let width = op.width else { return nil }
  let x = facts.graph[node.operands[0]].type.shape
  func cost(_ tile: WinogradTile?) -> Double {
    WinogradCost(
      tile: tile, height: x[0] / width, width: width, channels: x[1],
      columns: node.type.shape[1], plain: plain
    ).total
  }
  let best = tiles.min { cost($0) < cost($1) }
  return best.flatMap { cost($0) < cost(nil) ? $0 : nil }
}

/// `true` iff nothing but group norms reads the moments of a convolution.
private func momentsAreForNorms(_ value: Value, _ facts: GraphFacts) -> Bool {
  let moments = value.sibling(1)
  if facts.users[moments].isEmpty { return !facts.isOutput[moments] }
  return facts.isRead(moments, onlyAsOperand: 0) {
    if case .groupScaleShift = $0.op { true } else { false }
  }
}

/// Appends the replacement of a convolution.
private func replace(
  _ op: Convolution, _ node: Node, _ tile: WinogradTile, _ rewriter: inout GraphRewriter
) throws(Diagnostic) -> Value? {
  guard let width = op.width else { return nil }
  var operands = rewriter[node.operands]
  operands[1] = try rewriter.append(
    .winogradWeight(WinogradWeight(tile: tile)), [operands[1]], name: "\(node.name).winograd")
  let pixels = rewriter.type(operands[0]).shape[0]
  var replacement = op
  replacement.algorithm = .winograd(tile)
  replacement.columns = node.type.shape[1]
  replacement.chunk = op.chunk.map { _ in min(pixels, tile.rawValue * width) }
  return try rewriter.append(.convolution(replacement), operands, name: node.name)
}
