import Diagnostics
import IR

extension Pass {
  /// Rounds the operands of fused linear layers and attentions to bf16; sums, norms, softmax and
  /// the residual stream stay f32.
  ///
  ///     %q: f32[197,768] = fused_linear %x, %wq {epsilon = 1e-06}
  ///     %a: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y: f32[197,768] = fused_linear %a, %w, %b, %x {bias = true, residual = true}
  /// becomes
  ///     %q.weight: bf16[768,768] = round %wq {element = "bf16"}
  ///     %q: bf16[197,768] = fused_linear %x, %q.weight {epsilon = 1e-06, result = "bf16"}
  ///     %a: bf16[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y.weight: bf16[768,768] = round %w {element = "bf16"}
  ///     %y: f32[197,768] = fused_linear %a, %y.weight, %b, %x {bias = true, residual = true}
  ///
  /// A fused linear layer rounds what it reads, row by row, after the norm of the row is found, so
  /// that a normalized row loses nothing by it. Its result is bf16 already where nothing reads it
  /// but such fused linear layers, as they read it without a norm, and attentions of bf16; what is
  /// added to their scores stays f32. Between them may be rotations (`rope`), whose angles stay
  /// f32. Convolutions round what they read when it has been normalized. Declines where the weight
  /// is no constant, in convolutions of a planar image or of an odd number of channels and in those
  /// that go Winograd's way, in attentions that read or feed anything else, and where heads have an
  /// odd number of features.
  public static let useBF16 = useBF16(except: [])

  /// The same but for the operations of these names; `calibrated`: biases are those that a
  /// calibration finds (``CalibratedTensor``).
  public static func useBF16(except names: Set<String>, calibrated: Bool = false) -> Pass {
    var pass = Pass("use-bf16", "operands of matmuls in bf16", .fused) {
      (graph, context) throws(Diagnostic) in
      try lower(graph, &context, except: names, calibrated)
    }
    pass.precisions = [.bf16, .int8]
    return pass
  }
}

@Sendable private func lower(
  _ graph: Graph, _ context: inout PassContext, except names: Set<String>, _ calibrated: Bool
) throws(Diagnostic) -> Graph {
  let lowered = Lowering(GraphFacts(graph), except: names)
  return try graph.rewriting(&context, required: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    let value = rewriter.current
    if case .fusedLinear(var fusedLinear) = node.op, lowered.linears.contains(value) {
      var operands = rewriter[node.operands]
      if graph[node.operands[1]].type.element == .f32 {
        operands[1] = try rewriter.append(
          .round(Round(.bf16)), [operands[1]], name: "\(node.name).bf16")
        if calibrated {
          let bias = Weight(
            tensor: CalibratedTensor.bias(of: node.name), shape: [node.type.shape[1]])
          let value = try rewriter.append(.weight(bias), name: "\(node.name).calibrated")
          operands.replaceSubrange(2..<(fusedLinear.epilogue.hasBias ? 3 : 2), with: [value])
          fusedLinear.epilogue.hasBias = true
        }
      }
      if lowered.results.contains(value) { fusedLinear.epilogue.result = .bf16 }
      guard operands != rewriter[node.operands] || node.op != .fusedLinear(fusedLinear) else {
        return nil
      }
      return try rewriter.append(.fusedLinear(fusedLinear), operands, name: node.name)
    }
    if case .convolution = node.op, lowered.convolutions.contains(value) {
      var operands = rewriter[node.operands]
      operands[1] = try rewriter.append(
        .round(Round(.bf16)), [operands[1]], name: "\(node.name).bf16")
      return try rewriter.append(node.op, operands, name: node.name)
    }
    // The type of what carries bf16 is that of its operands.
    guard lowered.results.contains(value), node.type.element == .f32 else { return nil }
    return try rewriter.append(node.op, rewriter[node.operands], name: node.name)
  }
}

/// What is computed in bf16.
private struct Lowering {
  /// The fused linear layers that multiply bf16.
  private(set) var linears: Set<Value> = []
  /// The convolutions that multiply bf16.
  private(set) var convolutions: Set<Value> = []
  /// The values that are bf16 themselves: of those fused linear layers, attentions, slices of
  /// either.
  private(set) var results: Set<Value> = []
  private let facts: GraphFacts

  init(_ facts: GraphFacts, except names: Set<String>) {
    self.facts = facts
    let graph = facts.graph
    for value in graph.firstResults where !facts.isConstant(value) {
      let node = graph[value].node
      guard !names.contains(node.name) else { continue }
      if case .fusedLinear(let fusedLinear) = node.op {
        guard facts.isConstant(node.operands[1]), fusedLinear.columns == nil else { continue }
        linears.insert(value)
        if !fusedLinear.epilogue.hasResidual { results.insert(value) }
      }
      if case .convolution(let convolution) = node.op, isLowered(convolution, node) {
        convolutions.insert(value)
      }
      if carriesPairs(node) { results.insert(value) }
    }
    // What one value cannot be may keep another from being it.
    while let value = results.first(where: { !isAllowed($0) }) { results.remove(value) }
  }

  /// `true` iff a convolution is one over pairs of channels.
  private func isLowered(_ convolution: Convolution, _ node: Node) -> Bool {
    facts.isConstant(node.operands[1]) && convolution.columns == nil && convolution.width != nil
      && facts.graph[node.operands[1]].type.element == .f32
      && convolution.channels(of: facts.graph[node.operands[0]].type) % 2 == 0
  }

  /// `true` iff a value may be bf16, provided that the others may.
  private func isAllowed(_ value: Value) -> Bool {
    let (node, users) = (facts.graph[value].node, facts.users[value])
    return readsPairs(node) && !facts.isOutput[value] && !users.isEmpty
      && users.allSatisfy { takesPairs(facts.graph[$0].node, $0, value) }
  }

  private func carriesPairs(_ node: Node) -> Bool {
    if case .rope = node.op { return true }
    if case .attention(let attention) = node.op {
      return attention.takesBF16(facts.graph[node.operands[0]].type)
    }
    return facts.graph.facts(of: node).carriesBF16
  }

  private func readsPairs(_ node: Node) -> Bool {
    if case .rope = node.op { return results.contains(node.operands[0]) }
    if case .attention = node.op { return node.operands.prefix(3).allSatisfy(results.contains) }
    return carriesPairs(node) ? node.operands.allSatisfy(results.contains) : true
  }

  private func takesPairs(_ reader: Node, _ user: Value, _ value: Value) -> Bool {
    if case .attention = reader.op, reader.operands.dropFirst(3).contains(value) { return false }
    guard case .fusedLinear(let fusedLinear) = reader.op else { return results.contains(user) }
    return linears.contains(user) && fusedLinear.prologue.epsilon == nil
      && reader.operands.count { $0 == value } == 1 && reader.operands[0] == value
  }
}
