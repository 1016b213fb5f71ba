import Diagnostics
import IR

/// The values of a residual stream: what is added, sliced, joined or averaged, up to the norms that
/// read it.
///
/// A linear map that norms cannot see may be applied to all of them together.
struct ResidualStream {
  /// What is done to the stream.
  enum Change {
    /// Its rows get mean zero; norms are still nodes of their own.
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

  /// The values of one stream with `value`, next to it; `nil` where it cannot be
  /// changed.
  private static func neighbours(
    of value: Value, _ facts: GraphFacts, _ change: Change
  ) -> [Value]? {
    let node = facts.graph[value].node
    guard value.result == 0, node.type.rank == 2, !facts.isOutput[value],
      isWriter(node, facts, change)
    else {
      return nil
    }
    var neighbours = facts.graph.facts(of: node).addends.map { node.operands[$0] }
    for user in facts.users[value] {
      let reader = facts.graph[user].node
      let positions = reader.operands.indices.filter { reader.operands[$0] == value }
      if positions == [0], isBlind(reader, facts, change) { continue }
      guard Set(positions).isSubset(of: facts.graph.facts(of: reader).addends) else { return nil }
      neighbours.append(user)
    }
    return neighbours
  }

  /// `true` iff `node`, which reads the stream as its first operand, makes the same of it after the
  /// change, or is rewritten so that it does: a norm, or a fused linear layer that begins with one.
  private static func isBlind(_ node: Node, _ facts: GraphFacts, _ change: Change) -> Bool {
    guard let norm = facts.graph.facts(of: node).norm else { return false }
    switch change {
    case .centred: return norm.ignoresMean
    case .rotated:
      if case .fusedLinear(let fusedLinear) = node.op {
        return fusedLinear.columns == nil && facts.isConstant(node.operands[1])
      }
      return NormNode(node, in: facts.graph)?.affine.allSatisfy(facts.isConstant) ?? false
    }
  }

  /// `true` iff `node` is changed once its addends, and a fused linear layer's weight and bias,
  /// are.
  private static func isWriter(_ node: Node, _ facts: GraphFacts, _ change: Change) -> Bool {
    if case .fusedLinear(let fusedLinear) = node.op {
      return fusedLinear.epilogue.activation == nil && fusedLinear.columns == nil
        && facts.isConstant(node.operands[1])
        && facts.graph[node.operands[1]].type.element == .f32
        && (node[.bias].map(facts.isConstant) ?? true)
    }
    if NormNode(node, in: facts.graph) != nil { return change == .centred }
    if case .center(let center) = node.op { return change == .centred && center.axis != 0 }
    let known = facts.graph.facts(of: node)
    return !known.addends.isEmpty && known.work == nil
  }

  /// Applies a linear map to what a node writes to the stream: `matrix` to a fused linear layer's
  /// weight, along its outputs, and `vector` to its bias and to addends that are constants, each
  /// once.
  ///
  /// - Parameters:
  ///   - operands: the node's, as rewritten so far.
  ///   - names: what is put after the name of the node for the weight, and of an addend.
  ///   - tables: the addends that have been done.
  static func map(
    _ operands: inout [Value], of node: Node, _ facts: GraphFacts, matrix: Op, vector: Op,
    names: (weight: String, table: String), _ tables: inout [Value: Value],
    _ rewriter: inout GraphRewriter
  ) throws(Diagnostic) {
    if case .fusedLinear = node.op {
      operands[1] = try rewriter.append(
        matrix, [operands[1]], name: "\(node.name).\(names.weight)")
      if let index = node.op.position(of: .bias) {
        operands[index] = try rewriter.append(
          vector, [operands[index]], name: "\(node.name).bias")
      }
    }
    for position in facts.graph.facts(of: node).addends
    where facts.isConstant(node.operands[position]) {
      let table = node.operands[position]
      if let known = tables[table] {
        operands[position] = known
      } else {
        operands[position] = try rewriter.append(
          vector, [operands[position]], name: "\(facts.graph[table].name).\(names.table)")
        tables[table] = operands[position]
      }
    }
  }
}
