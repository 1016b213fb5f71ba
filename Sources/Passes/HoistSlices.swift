import Diagnostics
import IR

extension Pass {
  /// Computes only the rows that somebody reads.
  ///
  ///     %y: f32[197,768] = add %x, %h         // %h: a linear layer of an attention of %q, %k, %v
  ///     %n: f32[197,768] = layer_norm %y, %g, %b {epsilon = 1e-06}
  ///     %c: f32[1,768] = slice %n {start = 0, count = 1}
  /// becomes
  ///     %x.0: f32[1,768] = slice %x {start = 0, count = 1}
  ///     %y: f32[1,768] = add %x.0, %h         // and so has %h one row, %q too
  ///     %c: f32[1,768] = layer_norm %y, %g, %b {epsilon = 1e-06}
  ///
  /// Row `t` of an operation that works row by row depends on row `t` of its operand only; row `t`
  /// of an attention on row `t` of the queries, and on all keys and values; of a bias of its
  /// scores, on the numbers for that query. So where only the class token is read, the last block
  /// computes keys and values for all tokens and the rest for one. The rows wanted of a value are
  /// the smallest range that covers what its readers want, of queries also the rows whose weights
  /// an attention returns. Declines where that is more than half of
  /// the rows: little would be won and tiles would grow ragged.
  public static let hoistSlices = Pass(
    "hoist-slices", "only the rows that somebody reads", .imported, hoist)
}

@Sendable private func hoist(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  guard context.remaining > 0 else { return graph }
  let kept = RowDemand(graph).kept
  var shrunk = 0
  var hoister = SliceHoister(kept: kept)
  let result = try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    let new = try hoister.rewritten(node, &rewriter)
    if new != nil { shrunk += 1 }
    return new
  }.graph
  context.count(shrunk)
  return result
}

/// Which rows of each value the program needs.
private struct RowDemand {
  /// The rows to be computed: all, where a node but an attention has several results.
  private(set) var kept: ValueTable<Range<Int>>

  init(_ graph: Graph) {
    let constants = graph.constants()
    var wanted = ValueTable<Range<Int>?>(graph, repeating: nil)
    for output in graph.outputs { wanted[output.value] = allRows(graph[output.value].type) }
    kept = ValueTable(graph, repeating: 0..<0)
    for value in graph.values { kept[value] = allRows(graph[value].type) }
    for value in graph.firstResults.reversed() where !constants[value.index] {
      let node = graph[value].node
      // What nobody wants any more is dropped in the end, but must be well-formed until then.
      let all = allRows(node.type)
      let rows = rowsWanted(of: node, wanted[value]) ?? all
      let distances = rowOperands(node, graph)
      if rows.count * 2 <= all.count, distances != nil { kept[value] = rows }
      for (position, operand) in node.operands.enumerated() {
        let needed: Range<Int>
        if let distance = distances?[position] {
          let type = graph[operand].type
          let shifted = kept[value].lowerBound - distance..<kept[value].upperBound - distance
          needed = shifted.clamped(to: allRows(type))
          if needed.isEmpty { continue }
        } else {
          needed = allRows(graph[operand].type)
        }
        let before = wanted[operand] ?? needed
        wanted[operand] =
          min(before.lowerBound, needed.lowerBound)..<max(before.upperBound, needed.upperBound)
      }
    }
  }
}

/// What readers want of a node, and the rows whose weights an attention returns.
private func rowsWanted(of node: Node, _ wanted: Range<Int>?) -> Range<Int>? {
  guard case .attention(let attention) = node.op, attention.hasWeights else { return wanted }
  let weights = attention.weightRange(queries: node.type.shape[0])
  guard let wanted else { return weights }
  return min(wanted.lowerBound, weights.lowerBound)..<max(wanted.upperBound, weights.upperBound)
}

private func allRows(_ type: TensorType) -> Range<Int> { 0..<(type.shape.first ?? 1) }

/// The operands whose rows a node's rows stem from, each with the distance.
///
/// Row `r` of the result reads row `r - distance`. `nil` where the node does not work row by row.
private func rowOperands(_ node: Node, _ graph: Graph) -> [Int: Int]? {
  guard node.type.rank == 2 else { return nil }
  if case .attention(let attention) = node.op, attention.windows == 1,
    attention.hasBias || attention.hasWeights
  {
    return [0: 0]
  }
  guard node.results.count == 1 else { return nil }
  return graph.facts(of: node).rows.distances(node.operands.map { graph[$0].type })
}

/// Rewrites nodes to the rows kept, inserting a slice where a value keeps more than is wanted.
private struct SliceHoister {
  private struct Key: Hashable {
    var value: Value
    var rows: Range<Int>
  }

  let kept: ValueTable<Range<Int>>
  private var slices: [Key: Value] = [:]
  private var norms: [Key: Value] = [:]

  init(kept: ValueTable<Range<Int>>) { self.kept = kept }

  /// The new value for a node of the old graph, or `nil` where it stays as it is.
  mutating func rewritten(
    _ node: Node, _ rewriter: inout GraphRewriter
  ) throws(Diagnostic) -> Value? {
    let rows = kept[rewriter.current]
    guard let distances = rowOperands(node, rewriter.source) else { return nil }
    if case .slice(let slice) = node.op, slice.axis == 0 {
      let isWhole = kept[node.operands[0]] == allRows(rewriter.source[node.operands[0]].type)
      guard rows != allRows(node.type) || !isWhole else { return nil }
      return try operand(
        node.operands[0], slice.start + rows.lowerBound..<slice.start + rows.upperBound,
        &rewriter, name: node.name)
    }
    guard rows != allRows(node.type) else { return nil }
    var operands: [Value] = []
    for (position, old) in node.operands.enumerated() {
      guard let distance = distances[position] else {
        operands.append(
          node.op.position(of: .scores) == position
            ? try rewriter.append(
              .slice(Slice(axis: 1, start: rows.lowerBound, count: rows.count)), [rewriter[old]],
              name: "\(node.name).scores") : rewriter[old])
        continue
      }
      let all = allRows(rewriter.source[old].type)
      let wanted = (rows.lowerBound - distance..<rows.upperBound - distance).clamped(to: all)
      if wanted.isEmpty { continue }
      if case .linear = node.op, let norm = try ownNorm(old, wanted, &rewriter) {
        operands.append(norm)
      } else {
        operands.append(try operand(old, wanted, &rewriter))
      }
    }
    var op = node.op
    if case .attention(var attention) = op, attention.hasWeights {
      let weights = attention.weightRange(queries: node.type.shape[0])
      attention.weightRows = [weights.lowerBound - rows.lowerBound, weights.count]
      op = .attention(attention)
    }
    return try rewriter.append(op, operands, name: node.name)
  }

  /// Rows `rows` of an old value, in the new graph.
  private mutating func operand(
    _ old: Value, _ rows: Range<Int>, _ rewriter: inout GraphRewriter, name: String? = nil
  ) throws(Diagnostic) -> Value {
    let have = kept[old]
    if have == rows { return rewriter[old] }
    let key = Key(value: old, rows: rows)
    if let known = slices[key] { return known }
    let slice = Slice(start: rows.lowerBound - have.lowerBound, count: rows.count)
    let new = try rewriter.append(
      .slice(slice), [rewriter[old]],
      name: name ?? "\(rewriter.source[old].name).rows\(rows.lowerBound)")
    slices[key] = new
    return new
  }

  /// A norm of fewer rows for a linear layer, where the norm itself keeps more: so each norm
  /// is read by linear layers of its own rows, and its affine part can be folded into them.
  private mutating func ownNorm(
    _ old: Value, _ rows: Range<Int>, _ rewriter: inout GraphRewriter
  ) throws(Diagnostic) -> Value? {
    let node = rewriter.source[old].node
    guard NormNode(node, in: rewriter.source) != nil, kept[old] != rows,
      !rewriter.constants[old.index]
    else { return nil }
    let key = Key(value: old, rows: rows)
    if let known = norms[key] { return known }
    let x = try operand(node.operands[0], rows, &rewriter)
    let new = try rewriter.append(
      node.op, [x] + rewriter[Array(node.operands.dropFirst())],
      name: "\(node.name).rows\(rows.lowerBound)")
    norms[key] = new
    return new
  }
}
