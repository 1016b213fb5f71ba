import Diagnostics
import IR

extension Pass {
  /// Multiplies the rows of the residual stream by an orthogonal matrix, folded into all weights
  /// around it.
  ///
  ///     %y: f32[197,768] = contraction %a, %w, %b, %x {bias = true, residual = true}
  ///     %z: f32[197,3072] = contraction %y, %v, %c {epsilon = 1e-06, bias = true}
  ///     %t: f32[197,768] = layer_norm %y, %gamma, %beta {epsilon = 1e-06}
  /// becomes
  ///     %y.rotated: f32[768,768] = rotate %w {axis = 0}
  ///     %y.bias: f32[768] = rotate %b
  ///     %y: f32[197,768] = contraction %a, %y.rotated, %y.bias, %x {bias = true, residual = true}
  ///     %z.rotated: f32[3072,768] = rotate %v
  ///     %z: f32[197,3072] = contraction %y, %z.rotated, %c {epsilon = 1e-06, bias = true}
  ///     %t.diagonal: f32[768,768] = diagonal %gamma
  ///     %t.rotated: f32[768,768] = rotate %t.diagonal
  ///     %t: f32[197,768] = contraction %y, %t.rotated, %beta {epsilon = 1e-06, bias = true}
  /// where everything else that is written to the stream is rotated likewise.
  ///
  /// `(x R) (W R)^T = x W^T` since `R R^T = 1`, and `|x R| = |x|`, so the scale of a row of mean
  /// zero stays what it was. Features of a stream differ in size by orders of magnitude, and a
  /// row's largest one decides how coarsely integers hold the others; rotated, all are of one size.
  ///
  /// Declines where the stream is not centred, or something writes to it at run time that is no
  /// contraction.
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
    guard case .contraction(let contraction) = node.op, contraction.epsilon != nil,
      case let x = node.operands[0], !streams.contains(where: { $0.contains(x) }),
      let stream = ResidualStream(x, facts, .rotated).values, isCentred(stream, facts)
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
        .rotate(Rotate()), [diagonal], name: "\(node.name).rotated")
      let contraction = Contraction(epsilon: norm.norm.epsilon, hasBias: norm.shift != nil)
      return try rewriter.append(
        .contraction(contraction),
        [operands[0], weight] + (norm.shift.map { [rewriter[$0]] } ?? []), name: node.name)
    }
    if readsStream, case .contraction(let contraction) = node.op, contraction.epsilon != nil {
      operands[1] = try rewriter.append(
        .rotate(Rotate()), [operands[1]], name: "\(node.name).rotated")
    }
    if rotated.contains(rewriter.current) {
      try ResidualStream.map(
        &operands, of: node, facts, matrix: .rotate(Rotate(axis: 0)), vector: .rotate(Rotate()),
        names: ("rotated", "rotated"), &tables, &rewriter)
    }
    return operands == rewriter[node.operands]
      ? nil : try rewriter.append(node.op, operands, name: node.name)
  }.graph
}

/// `true` iff what is written to the stream has mean zero, and has not been rotated: weights,
/// biases and constants of it are what `center-residual` made.
private func isCentred(_ stream: Set<Value>, _ facts: GraphFacts) -> Bool {
  let graph = facts.graph
  func isCentred(_ value: Value, axis: Int) -> Bool {
    guard case .center(let center) = graph[value].op else { return false }
    return (center.axis == 0) == (axis == 0)
  }
  return stream.allSatisfy { value in
    let node = graph[value].node
    if case .contraction(let contraction) = node.op {
      guard isCentred(node.operands[1], axis: 0),
        contraction.biasIndex.map({ isCentred(node.operands[$0], axis: -1) }) ?? true
      else { return false }
    }
    return graph.facts(of: node).addends.map { node.operands[$0] }
      .allSatisfy { !facts.isConstant($0) || isCentred($0, axis: -1) }
  }
}
