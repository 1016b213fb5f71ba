import IR

/// The values of a residual stream: what is added, sliced, joined or averaged, up to the norms that
/// read it.
///
/// A linear map that norms cannot see may be applied to all of them together.
struct ResidualStream {
  /// What is done to the stream.
  enum Change {
    /// Its rows get mean zero; norms still stand by themselves.
    case centred
    /// Its rows, of mean zero, are multiplied by an orthogonal matrix; norms are row scales.
    case rotated
  }

  /// All of them, or `nil` where one of them cannot.
  private(set) var values: Set<Value>? = []

  /// Finds the stream of `start` by following writers and readers.
  init(_ start: Value, _ facts: GraphFacts, _ change: Change) {
    var found: Set<Value> = [start]
    var pending = [start]
    while let value = pending.popLast() {
      guard let neighbours = ResidualStream.neighbours(of: value, facts, change) else {
        values = nil
        return
      }
      for neighbour in neighbours where !facts.isConstant(neighbour) {
        if found.insert(neighbour).inserted { pending.append(neighbour) }
      }
    }
    values = found
  }

  /// The operands of `node` whose sum, rows or mean it is; empty where it is none.
  static func addends(_ node: Node) -> [Int] {
    switch node.op {
    case .contraction(let contraction): contraction.residualIndex.map { [$0] } ?? []
    case .add: [0, 1]
    case .concatenate, .copy, .slice, .scale, .meanRows: Array(node.operands.indices)
    case .input, .weight, .fill, .patchEmbed, .extractPatches, .resizePositionEmbedding,
      .reshape, .transpose, .multiply, .center, .layerNorm, .linear, .matMul, .splitHeads,
      .mergeHeads, .softmax, .activation, .swiGLU, .conv2d, .standardizeWeight, .groupNorm,
      .maxPool, .pack, .attention, .convolution, .winogradWeight,
      .winogradConvolution, .moments, .normFactors, .normalize, .round, .quantize, .channelFactors,
      .rotate,
      .diagonal:
      []
    }
  }

  /// The values of one stream with `value`, next to it; `nil` where it cannot be centred.
  private static func neighbours(
    of value: Value, _ facts: GraphFacts, _ change: Change
  ) -> [Value]? {
    let node = facts.graph[value]
    guard node.type.rank == 2, !facts.isOutput[value.index], isWriter(node, facts, change) else {
      return nil
    }
    var neighbours = addends(node).map { node.operands[$0] }
    for user in facts.users[value.index] {
      let reader = facts.graph[user]
      let positions = reader.operands.indices.filter { reader.operands[$0] == value }
      if case .layerNorm = reader.op, positions == [0] { continue }
      if change == .rotated, case .contraction(let contraction) = reader.op,
        contraction.epsilon != nil, contraction.columns == nil, positions == [0],
        reader.operands.dropFirst().prefix(1).allSatisfy(facts.isConstant)
      {
        continue
      }
      guard Set(positions).isSubset(of: addends(reader)), keepsRows(reader) else { return nil }
      neighbours.append(user)
    }
    return neighbours
  }

  /// `true` iff `node` has mean zero once its addends have and its weight and bias are centred.
  private static func isWriter(_ node: Node, _ facts: GraphFacts, _ change: Change) -> Bool {
    if case .contraction(let contraction) = node.op {
      return contraction.activation == nil && contraction.columns == nil
        && facts.isConstant(node.operands[1])
        && (contraction.biasIndex.map { facts.isConstant(node.operands[$0]) } ?? true)
    }
    if case .layerNorm = node.op { return change == .centred }
    if case .center(let center) = node.op { return change == .centred && center.axis != 0 }
    return !addends(node).isEmpty && keepsRows(node)
  }

  /// `true` iff the rows of the result are made of whole rows of the operands.
  private static func keepsRows(_ node: Node) -> Bool {
    switch node.op {
    case .slice(let slice): slice.axis == 0
    case .concatenate(let join): join.axis == 0
    case .contraction, .add, .copy, .scale, .meanRows: true
    case .input, .weight, .fill, .patchEmbed, .extractPatches, .resizePositionEmbedding,
      .reshape, .transpose, .multiply, .center, .layerNorm, .linear, .matMul, .splitHeads,
      .mergeHeads, .softmax, .activation, .swiGLU, .conv2d, .standardizeWeight, .groupNorm,
      .maxPool, .pack, .attention, .convolution, .winogradWeight,
      .winogradConvolution, .moments, .normFactors, .normalize, .round, .quantize, .channelFactors,
      .rotate,
      .diagonal:
      false
    }
  }
}
