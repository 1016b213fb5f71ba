import Diagnostics
import IR

extension Pass {
  /// Quantizes the linear layers of the blocks to 8-bit integers: weights for each output, rows of
  /// activations by themselves while the model runs.
  ///
  ///     %h: f32[197,3072] = fused_linear %x, %w, %b {epsilon = 1e-06, activation = "gelu", …}
  ///     %y: f32[197,768] = fused_linear %h, %v, %c, %x {bias = true, residual = true}
  /// becomes
  ///     %h.integers: s8[3072,768] = quantize %w
  ///     %h.quantization: f32[3,3072] = quantization_parameters %w, %b
  ///     %h: f32[197,3072] = fused_linear %x, %h.integers, %h.quantization {…}
  ///     %y.rotated: f32[768,3072] = hadamard %v {size = 16}
  ///     %y.integers: s8[768,3072] = quantize %y.rotated
  ///     %y.quantization: f32[3,768] = quantization_parameters %y.rotated, %c
  ///     %y: f32[197,768] = fused_linear %h, %y.integers, %y.quantization, %x {…}
  ///
  /// Integers without a sign from the smallest to the largest element of a row: what an activation
  /// leaves lies to one side of zero. What it leaves is also rotated, by a Hadamard matrix of size
  /// 16 that costs four additions an element. Declines outside the blocks, where there is
  /// little to gain and errors are not averaged any more: in patches, where rows are not those of
  /// a norm, an attention or an activation; in heads and what leads to them, after which comes
  /// neither a norm nor an attention; in norms of their own. Also where the weight is
  /// no constant.
  public static let useInt8 = useInt8(except: [])

  /// The same but for the operations of these names; `calibrated`: integers and parameters are
  /// those that a calibration finds (``CalibratedTensor``).
  public static func useInt8(except names: Set<String>, calibrated: Bool = false) -> Pass {
    var pass = Pass("use-int8", "operands of matmuls in 8-bit integers", .fused) {
      (graph, context) throws(Diagnostic) in
      try quantize(graph, &context, except: names, calibrated)
    }
    pass.precisions = [.int8]
    return pass
  }
}

/// The size of the Hadamard matrix after an activation.
private let hadamardSize = FusedLinear.largestHadamardSize

@Sendable private func quantize(
  _ graph: Graph, _ context: inout PassContext, except names: Set<String>, _ calibrated: Bool
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  let inBlocks = inBlocks(facts)
  return try graph.rewriting(&context, required: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    guard case .fusedLinear(var fusedLinear) = node.op, !names.contains(node.name),
      !facts.isConstant(rewriter.current), !facts.isOutput[rewriter.current],
      inBlocks[rewriter.current], !isNorm(node, graph),
      fusedLinear.columns == nil, facts.isConstant(node.operands[1]),
      node[.bias].map(facts.isConstant) ?? true,
      case let weight = graph[node.operands[1]].type, weight.element == .f32,
      weight.shape[1] <= FusedLinear.longestIntegerDepth
    else { return nil }
    let spread = spread(of: node.operands[0], graph)
    guard fusedLinear.prologue.epsilon != nil || spread != .any else { return nil }
    var operands = rewriter[node.operands]
    let residual = node[.residual].map { [rewriter[$0]] } ?? []
    if spread == .oneSided, fusedLinear.prologue.epsilon == nil, weight.shape[1] % hadamardSize == 0
    {
      fusedLinear.prologue.hadamardSize = hadamardSize
    }
    if calibrated {
      let integers = Weight(
        tensor: CalibratedTensor.integers(of: node.name), shape: weight.shape, element: .s8)
      let quantization = Weight(
        tensor: CalibratedTensor.quantization(of: node.name), shape: [3, weight.shape[0]])
      operands = [
        operands[0], try rewriter.append(.weight(integers), name: "\(node.name).integers"),
        try rewriter.append(.weight(quantization), name: "\(node.name).quantization"),
      ]
      fusedLinear.epilogue.hasBias = true
      return try rewriter.append(
        .fusedLinear(fusedLinear), operands + residual, name: node.name)
    }
    if fusedLinear.prologue.hadamardSize != nil {
      operands[1] = try rewriter.append(
        .hadamard(Hadamard(size: hadamardSize)), [operands[1]], name: "\(node.name).rotated")
    }
    let quantization = try rewriter.append(
      .quantizationParameters(QuantizationParameters()),
      [operands[1]] + (node[.bias].map { [rewriter[$0]] } ?? []),
      name: "\(node.name).quantization")
    operands[1] = try rewriter.append(
      .quantize(Quantize()), [operands[1]], name: "\(node.name).integers")
    fusedLinear.epilogue.hasBias = true
    return try rewriter.append(
      .fusedLinear(fusedLinear), [operands[0], operands[1], quantization] + residual,
      name: node.name)
  }
}

/// For each value, `true` iff something that absorbs errors follows on the way to the results: a
/// norm or an attention.
private func inBlocks(_ facts: GraphFacts) -> ValueTable<Bool> {
  var found = ValueTable(facts.graph, repeating: false)
  for value in facts.graph.values.reversed() {
    found[value] = facts.users[value].contains { user in
      let reader = facts.graph[user]
      return facts.graph.results(of: user.index).contains { found[$0] }
        || facts.graph.facts(of: reader.node).absorbs.contains { reader.operands[$0] == value }
    }
  }
  return found
}

/// `true` iff a fused linear layer is what `rotate-residual` made of a norm.
private func isNorm(_ node: Node, _ graph: Graph) -> Bool {
  let weight = graph[node.operands[1]]
  guard case .hadamard = weight.op, case .diagonal = graph[weight.operands[0]].op else {
    return false
  }
  return true
}

/// How the elements of rows are spread; some rows of a matrix are spread as all are.
private func spread(of rows: Value, _ graph: Graph) -> Spread {
  var value = rows
  while case .view(.slice(axis: 0, _)) = graph[value].op.execution {
    value = graph[value].operands[0]
  }
  return value.result == 0 ? graph.facts(of: graph[value].node).spread : .any
}
