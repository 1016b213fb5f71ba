import Diagnostics
import IR

extension Pass {
  /// Multiplies the rows of the residual stream by an orthogonal matrix, folded into all weights
  /// around it.
  ///
  ///     %y: f32[197,768] = fused_linear %a, %w, %b, %x {bias = true, residual = true}
  ///     %z: f32[197,3072] = fused_linear %y, %v, %c {epsilon = 1e-06, bias = true}
  ///     %t: f32[197,768] = layer_norm %y, %gamma, %beta {epsilon = 1e-06}
  /// becomes
  ///     %y.rotated: f32[768,768] = hadamard %w {axis = 0}
  ///     %y.bias: f32[768] = hadamard %b
  ///     %y: f32[197,768] = fused_linear %a, %y.rotated, %y.bias, %x {bias = true, residual = true}
  ///     %z.rotated: f32[3072,768] = hadamard %v
  ///     %z: f32[197,3072] = fused_linear %y, %z.rotated, %c {epsilon = 1e-06, bias = true}
  ///     %t.diagonal: f32[768,768] = diagonal %gamma
  ///     %t.rotated: f32[768,768] = hadamard %t.diagonal
  ///     %t: f32[197,768] = fused_linear %y, %t.rotated, %beta {epsilon = 1e-06, bias = true}
  /// where everything else that is written to the stream is rotated likewise.
  ///
  /// `(x R) (W R)^T = x W^T` since `R R^T = 1`, and `|x R| = |x|`, so the scale of a row of mean
  /// zero stays what it was. Features of a stream differ in size by orders of magnitude, and a
  /// row's largest one decides how coarsely integers hold the others; rotated, all are of one size.
  ///
  /// Declines where a norm takes the mean of rows away that may have one, and where something that
  /// is not a fused linear layer writes to the stream at run time. A stream that RMS norms alone
  /// read need not be centred.
  public static let rotateResidual: Pass = {
    var pass = Pass("rotate-residual", "the residual stream rotated", .fused, rotate)
    pass.precisions = [.int8]
    return pass
  }()
}

@Sendable private func rotate(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  var streams: [Set<Value>] = []
  for node in graph.nodes {
    guard case .fusedLinear(let fusedLinear) = node.op, fusedLinear.prologue.epsilon != nil,
      case let x = node.operands[0], !streams.contains(where: { $0.contains(x) }),
      let stream = ResidualStream(x, facts, .rotated).values, isRotatable(stream, facts)
    else { continue }
    streams.append(stream)
  }
  let rotated = context.take(streams).reduce(into: Set<Value>()) { $0.formUnion($1) }
  guard !rotated.isEmpty else { return graph }
  var tables: [Value: Value] = [:]
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    var operands = rewriter[node.operands]
    let readsStream = node.operands.first.map(rotated.contains) ?? false
    if readsStream, let norm = NormNode(node, in: graph) {
      let gamma: Value
      if let scale = norm.scale {
        gamma = rewriter[scale]
      } else {
        gamma = try rewriter.append(
          .fill(Fill(1, shape: [node.type.shape[1]])), name: "\(node.name).ones")
      }
      let diagonal = try rewriter.append(
        .diagonal(Diagonal()), [gamma], name: "\(node.name).diagonal")
      let weight = try rewriter.append(
        .hadamard(Hadamard()), [diagonal], name: "\(node.name).rotated")
      let fusedLinear = FusedLinear(
        prologue: Prologue(epsilon: norm.norm.epsilon),
        epilogue: Epilogue(hasBias: norm.shift != nil))
      return try rewriter.append(
        .fusedLinear(fusedLinear),
        [operands[0], weight] + (norm.shift.map { [rewriter[$0]] } ?? []), name: node.name)
    }
    if readsStream, case .fusedLinear(let fusedLinear) = node.op,
      fusedLinear.prologue.epsilon != nil
    {
      operands[1] = try rewriter.append(
        .hadamard(Hadamard()), [operands[1]], name: "\(node.name).rotated")
    }
    if rotated.contains(rewriter.current) {
      try ResidualStream.map(
        &operands, of: node, facts, matrix: .hadamard(Hadamard(axis: 0)),
        vector: .hadamard(Hadamard()),
        names: ("rotated", "rotated"), &tables, &rewriter)
    }
    return operands == rewriter[node.operands]
      ? nil : try rewriter.append(node.op, operands, name: node.name)
  }.graph
}

/// `true` iff a stream has not been rotated, and the row scales that norms become see of it what
/// the norms do: its rows have mean zero, or no norm takes their mean away.
private func isRotatable(_ stream: Set<Value>, _ facts: GraphFacts) -> Bool {
  let graph = facts.graph
  if stream.allSatisfy({ isWritten($0, facts, matrix: isCentre, vector: isCentre) }) { return true }
  let ignoresMean = stream.contains { value in
    facts.users[value].contains { graph.facts(of: graph[$0].node).norm?.ignoresMean == true }
  }
  return !ignoresMean
    && stream.allSatisfy {
      isWritten(
        $0, facts, matrix: { op, _ in op != .hadamard(Hadamard(axis: 0)) },
        vector: { op, _ in op != .hadamard(Hadamard()) })
    }
}

/// `true` iff `center-residual` made a weight (along axis 0), or a bias or constant (-1).
private func isCentre(_ op: Op, axis: Int) -> Bool {
  guard case .center(let center) = op else { return false }
  return (center.axis == 0) == (axis == 0)
}

/// `true` iff the weight that writes a value to a stream satisfies `matrix`, its bias and constants
/// that are added `vector`; both are given the axis of the outputs.
private func isWritten(
  _ value: Value, _ facts: GraphFacts, matrix: (Op, Int) -> Bool, vector: (Op, Int) -> Bool
) -> Bool {
  let (graph, node) = (facts.graph, facts.graph[value].node)
  if case .fusedLinear = node.op {
    guard matrix(graph[node.operands[1]].op, 0),
      node[.bias].map({ vector(graph[$0].op, -1) }) ?? true
    else { return false }
  }
  return graph.facts(of: node).addends.map { node.operands[$0] }
    .allSatisfy { !facts.isConstant($0) || vector(graph[$0].op, -1) }
}
