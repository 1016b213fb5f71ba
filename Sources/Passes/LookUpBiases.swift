import Diagnostics
import IR

extension Pass {
  /// Looks up what is added to the scores by relative places in its table, where a matrix of all
  /// pairs is large.
  ///
  ///     %b: f32[12,197,197] = relative_position_bias %t {grid = [14, 14], prefix = true, …}
  ///     %s: f32[12,197,197] = scale %b {factor = 1.442695}
  ///     %y: f32[197,768] = attention %q, %k, %v, %s {heads = 12, bias = true, …}
  /// becomes
  ///     %b.table: f32[12,732] = relative_bias_table %t {grid = [14, 14], prefix = true, …}
  ///     %s.table: f32[12,732] = scale %b.table {factor = 1.442695}
  ///     %y: f32[197,768] = attention %q, %k, %v, %s.table {heads = 12, places = [14, 14], …}
  ///
  /// The numbers are the same; the weights hold `(2 rows - 1) * (2 columns - 1)` of each head
  /// instead of one for each pair of tokens, in moved windows for each kind of them. Declines below
  /// 128 tokens, where the matrix is small and its rows need not be made; where rows of the matrix
  /// are left out, weights of the values are returned, or what is added is anything else.
  public static let lookUpBiases = Pass(
    "look-up-biases", "biases of scores by relative places, from their tables", .imported, lookUp)
}

/// From how many tokens on.
///
/// With 49, Swin's windows of 7, a row of the grid fills half a vector; the matrices of all its
/// blocks take 2.6 MB beside 113 MB of weights.
private let fewestTokens = 128

@Sendable private func lookUp(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  // Layers may share a bias.
  var tables: [Value: Value] = [:]
  return try graph.rewriting(&context) { (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .attention(var attention) = node.op, attention.hasBias, !attention.hasWeights,
      let scores = node[.scores], let position = node.op.position(of: .scores),
      let bias = RelativeScoreBias(scores, graph), bias.op.places.tokens >= fewestTokens,
      // A matrix may have maps for each kind of windows where the table has columns for it.
      graph[bias.node.operands[0]].type.shape[1] == attention.heads,
      bias.op.places.kinds == attention.kinds
    else { return nil }
    let table: Value
    if let known = tables[scores] {
      table = known
    } else {
      table = try bias.appendTable(&rewriter)
      tables[scores] = table
    }
    var places = bias.op.places
    places.separation =
      bias.factor.map { Float(Double($0) * Double(places.separation)) }
      ?? places.separation
    attention.hasBias = false
    attention.kinds = nil
    attention.places = places
    var operands = rewriter[node.operands]
    operands[position] = table
    return try rewriter.append(.attention(attention), operands, name: node.name)
  }
}

/// A bias by relative places, and a number that it is multiplied by.
private struct RelativeScoreBias {
  let op: RelativePositionBias
  let node: Node
  let factor: Float?
  let scaled: Node?

  /// `nil` where the value is anything else.
  init?(_ value: Value, _ graph: Graph) {
    var node = graph[value].node
    if case .scale(let scale) = node.op {
      scaled = node
      factor = scale.factor
      node = graph[node.operands[0]].node
    } else {
      scaled = nil
      factor = nil
    }
    guard case .relativePositionBias(let op) = node.op else { return nil }
    self.op = op
    self.node = node
  }

  func appendTable(_ rewriter: inout GraphRewriter) throws(Diagnostic) -> Value {
    let places = op.places
    let table = try rewriter.append(
      .relativeBiasTable(
        RelativeBiasTable(
          grid: places.grid, from: op.from, method: op.method, hasPrefix: places.hasPrefix)),
      [rewriter[node.operands[0]]], name: "\(node.name).table")
    guard let scaled else { return table }
    return try rewriter.append(scaled.op, [table], name: "\(scaled.name).table")
  }
}
