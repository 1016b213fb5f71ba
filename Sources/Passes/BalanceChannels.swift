import Diagnostics
import IR

extension Pass {
  /// Balances the channels between two linear layers with nothing but linear maps in between: the
  /// rows of the first are multiplied by what the columns of the second are divided by.
  ///
  ///     %v: f32[197,768] = linear %x, %wv, %bv
  ///     %a: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y: f32[197,768] = linear %a, %w, %b
  /// becomes
  ///     %v.balance: f32[768] = balance %wv, %w, %bv
  ///     %v.balanced: f32[768,768] = multiply %wv, %v.balance {axis = 0}
  ///     %v.bias: f32[768] = multiply %bv, %v.balance
  ///     %v: f32[197,768] = linear %x, %v.balanced, %v.bias
  ///     %a: f32[197,768] = attention %q, %k, %v {heads = 12}
  ///     %y.balance: f32[768] = balance %wv, %w, %bv {inverse = true}
  ///     %y.balanced: f32[768,768] = multiply %w, %y.balance
  ///     %y: f32[197,768] = linear %a, %y.balanced, %b
  ///
  /// A row of integers is as coarse as its largest element demands, and a channel may be large only
  /// because its column is small. Exact for factors above zero, since what is in between takes
  /// them through: an attention of its values, which it averages channel by channel; `relu`, as
  /// `max(s x, 0) = s max(x, 0)`; `swiglu` of the second half of its rows, and a product of two
  /// matrices of either one. Declines where anything else is there, as GELU does, or reads what
  /// is in between, and where weights or biases are no constants.
  public static let balanceChannels: Pass = {
    var pass = Pass(
      "balance-channels", "channels between two linear layers made of one size", .imported,
      balance)
    pass.precisions = [.int8]
    return pass
  }()
}

/// Two linear layers and the channels between them.
private struct Site {
  /// The first layer, and the first of its outputs that are channels.
  let writer: Value
  let start: Int
  /// The second layer.
  let reader: Value
}

@Sendable private func balance(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  let sites = graph.firstResults.compactMap { reader -> Site? in
    guard facts.isConstantLinear(graph[reader].node), !isBalanced(graph[reader].operands[1], graph),
      let (writer, start) = source(of: graph[reader].operands[0], facts)
    else { return nil }
    return Site(writer: writer, start: start, reader: reader)
  }
  var (written, read): ([Value: Site], [Value: Site]) = ([:], [:])
  for site in context.take(sites) {
    written[site.writer] = site
    read[site.reader] = site
  }
  // The constants of second layers that first layers need, and that come after them.
  var moved: [Value: Value] = [:]
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    if let known = moved[rewriter.current] { return known }
    var operands = rewriter[node.operands]
    // A layer in the middle is balanced on both sides, each by the weights as they were.
    if let site = read[rewriter.current] {
      let factors = try rewriter.appendFactors(
        of: site, inverse: true, graph, &moved, name: node.name)
      operands[1] = try rewriter.append(
        .multiply(Multiply()), [operands[1], factors], name: "\(node.name).balanced")
    }
    if let site = written[rewriter.current] {
      let factors = try rewriter.appendFactors(
        of: site, inverse: false, graph, &moved, name: node.name)
      operands[1] = try rewriter.append(
        .multiply(Multiply(axis: 0)), [operands[1], factors], name: "\(node.name).balanced")
      if operands.count > 2 {
        operands[2] = try rewriter.append(
          .multiply(Multiply()), [operands[2], factors], name: "\(node.name).bias")
      }
    }
    return operands == rewriter[node.operands]
      ? nil : try rewriter.append(.linear(Linear()), operands, name: node.name)
  }.graph
}

/// The linear layer whose outputs, from `start` on, are the channels of `value`: a factor above
/// zero of one of them comes through unchanged; `nil`: there is none.
private func source(of value: Value, _ facts: GraphFacts) -> (writer: Value, start: Int)? {
  let graph = facts.graph
  let node = graph[value].node
  guard value.result == 0, facts.soleUser(of: value) != nil else { return nil }
  if facts.isConstantLinear(node) { return (value, 0) }
  if case .attention = node.op { return source(of: node.operands[2], facts) }
  if case .activation(let activation) = node.op, activation.function == .relu {
    return source(of: node.operands[0], facts)
  }
  if case .swiGLU = node.op, let (writer, start) = source(of: node.operands[0], facts),
    writer == node.operands[0]
  {
    return (writer, start + node.type.shape[1])
  }
  if case .multiply = node.op, graph[node.operands[1]].type == node.type {
    return source(of: node.operands[1], facts) ?? source(of: node.operands[0], facts)
  }
  return nil
}

/// `true` iff a weight has been balanced as that of a second layer.
private func isBalanced(_ weight: Value, _ graph: Graph) -> Bool {
  guard case .multiply = graph[weight].op, case .balance = graph[graph[weight].operands[1]].op
  else { return false }
  return true
}

extension GraphRewriter {
  /// Appends the factors of the outputs of a site's writer, or the inverse ones of the columns of
  /// its reader.
  fileprivate mutating func appendFactors(
    of site: Site, inverse: Bool, _ graph: Graph, _ moved: inout [Value: Value], name: String
  ) throws(Diagnostic) -> Value {
    let (writer, reader) = (graph[site.writer].node, graph[site.reader].node)
    let channels = graph[reader.operands[1]].type.shape[1]
    var parts: [Value] = []
    for (operand, part) in zip(writer.operands.dropFirst(), ["weight", "bias"]) {
      var constant = self[operand]
      if type(constant).shape[0] > channels {
        constant = try append(
          .slice(Slice(axis: 0, start: site.start, count: channels)), [constant],
          name: "\(name).balance.\(part)")
      }
      parts.append(constant)
    }
    parts.insert(try appendEarly(reader.operands[1], graph, &moved), at: 1)
    let factors = try append(
      .balance(Balance(isInverse: inverse)), parts, name: "\(name).balance")
    guard !inverse, site.start > 0 else { return factors }
    let ones = try append(.fill(Fill(1, shape: [site.start])), name: "\(name).balance.gate")
    return try append(.concatenate(Concatenate()), [ones, factors], name: "\(name).balance.all")
  }

  /// The value of the new graph that stands for a constant, which is made now if it has not been.
  private mutating func appendEarly(
    _ constant: Value, _ graph: Graph, _ moved: inout [Value: Value]
  ) throws(Diagnostic) -> Value {
    if let known = moved[constant] { return known }
    guard constant.index >= current.index else { return self[constant] }
    let node = graph[constant].node
    var operands: [Value] = []
    for operand in node.operands { operands.append(try appendEarly(operand, graph, &moved)) }
    let value = try append(node.op, operands, name: node.name)
    moved[constant] = value
    return value
  }
}
