import Diagnostics
import IR

extension Pass {
  /// Gives the vectors between two fused linear layers a few elements of zero, where Strassen's
  /// algorithm divides them then.
  ///
  ///     %h: f32[729,4304] = fused_linear %x, %w1, %b1 {activation = "gelu_tanh", bias = true}
  ///     %y: f32[729,1152] = fused_linear %h, %w2, %b2 {bias = true}
  /// becomes
  ///     %h.weight: f32[4352,1152] = concatenate %w1, %zeros
  ///     %h: f32[729,4352] = fused_linear %x, %h.weight, %h.bias {…}
  ///     %y.weight: f32[1152,4352] = concatenate %w2, %zeros {axis = 1}
  ///     %y: f32[729,1152] = fused_linear %h, %y.weight, %b2 {bias = true}
  ///
  /// Every activation is 0 at 0, and what the second layer adds for the new elements is 0 times 0:
  /// an exact zero, so the result is the same. The MLP of SigLIP's so400m is 4304 wide: 1.1 % more
  /// work lets `choose-strassen` save an eighth of both layers. Declines where either layer would
  /// not be computed that way after all, where more than 3 % of the work is added, and where the
  /// vectors are read by anything else or have a norm that would count the new elements.
  public static let padHidden = Pass(
    "pad-hidden", "zeros that let Strassen's algorithm divide an MLP", .fused, pad)
}

/// The most that the vectors may grow: Strassen's algorithm saves 8 to 9 %
/// (``Pass/chooseStrassen``), and the sums of a longer depth take some of it.
private let mostGrowth = 1.03

/// Two layers and the extent that the vectors between them get.
private struct Site {
  let first: Value
  let second: Value
  let extent: Int
}

@Sendable private func pad(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let facts = GraphFacts(graph)
  let sites = graph.firstResults.compactMap { site($0, facts) }
  var first: [Value: Int] = [:]
  var second: [Value: Int] = [:]
  for site in context.take(sites) {
    first[site.first] = site.extent
    second[site.second] = site.extent
  }
  return try graph.rewriting { (node, rewriter) throws(Diagnostic) -> Value? in
    let extents = (first[rewriter.current], second[rewriter.current])
    guard extents.0 != nil || extents.1 != nil else { return nil }
    var operands = rewriter[node.operands]
    if let extent = extents.1 {
      operands[1] = try rewriter.appendPadded(
        operands[1], to: extent, axis: 1, name: "\(node.name).weight")
    }
    if let extent = extents.0 {
      operands[1] = try rewriter.appendPadded(
        operands[1], to: extent, axis: 0, name: "\(node.name).weight")
      if let bias = node.op.position(of: .bias) {
        operands[bias] = try rewriter.appendPadded(
          operands[bias], to: extent, axis: 0, name: "\(node.name).bias")
      }
    }
    return try rewriter.append(node.op, operands, name: node.name)
  }.graph
}

/// The site whose first layer makes `value`; `nil` where there is nothing to gain.
private func site(_ value: Value, _ facts: GraphFacts) -> Site? {
  guard let user = facts.soleUser(of: value),
    let (rows, hidden, depth) = plainLayer(value, facts),
    let (_, columns, _) = plainLayer(user, facts),
    facts.graph[user].operands[0] == value, facts.graph[value].node[.residual] == nil,
    case .fusedLinear(let layer) = facts.graph[user].op, layer.prologue.epsilon == nil,
    case let unit = 2 * Pack.standardWidth,
    case let extent = (hidden + unit - 1) / unit * unit,
    extent > hidden, Double(extent) <= Double(hidden) * mostGrowth,
    StrassenGain.expects(rows: rows, columns: extent, depth: depth),
    StrassenGain.expects(rows: rows, columns: columns, depth: extent)
  else { return nil }
  return Site(first: value, second: user, extent: extent)
}

/// The rows, columns and depth of a layer of f32 over a constant weight and bias that no pass has
/// given an algorithm or panels yet.
private func plainLayer(
  _ value: Value, _ facts: GraphFacts
) -> (rows: Int, columns: Int, depth: Int)? {
  let node = facts.graph[value].node
  guard case .fusedLinear(let layer) = node.op, layer.algorithm == .direct,
    layer.summation == Summation(), layer.columns == nil, !facts.isConstant(value),
    facts.isConstant(node.operands[1]), node[.bias].map(facts.isConstant) ?? true,
    case let weight = facts.graph[node.operands[1]].type, weight.element == .f32,
    node.type.element == .f32
  else { return nil }
  return (node.type.shape[0], weight.shape[0], weight.shape[1])
}

extension GraphRewriter {
  /// Appends `value` with zeros behind it along `axis`, `extent` elements in all.
  fileprivate mutating func appendPadded(
    _ value: Value, to extent: Int, axis: Int, name: String
  ) throws(Diagnostic) -> Value {
    var shape = type(value).shape
    shape[axis] = extent - shape[axis]
    let zeros = try append(.fill(Fill(0, shape: shape)), [], name: "\(name).zeros")
    return try append(
      .concatenate(Concatenate(axis: axis)), [value, zeros], name: name)
  }
}
