import Diagnostics
import IR

extension Pass {
  /// Removes reshapes, slices and concatenations that say nothing, and gives each part of a
  /// concatenation its own part of a constant table.
  ///
  ///     %x: f32[197,768] = concatenate %class, %patches
  ///     %y: f32[197,768] = add %x, %table
  /// becomes
  ///     %y.0: f32[1,768] = add %class, %table.0        // a constant: copied, not computed
  ///     %y.1: f32[196,768] = add %patches, %table.1    // the residual of the patches
  ///     %y: f32[197,768] = concatenate %y.0, %y.1
  /// where `%table.0` and `%table.1` are slices of the table. That rule declines unless the table
  /// and at least one part are constants and nothing else reads the concatenation.
  ///
  /// Besides: a reshape, slice, concatenation or scale that changes nothing is its operand; a
  /// reshape of a reshape is one; a slice of a slice is one; a slice within one part of a
  /// concatenation is a slice of the part; nested concatenations are one; neighbouring slices of
  /// one value, joined again, are one slice. The rules come together since they feed each other.
  public static let simplifyViews = Pass(
    "simplify-views", "reshapes, slices and concatenations that say nothing", .imported, simplify)
}

@Sendable private func simplify(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  try graph.rewriting(&context, repeated: true) {
    (node, rewriter) throws(Diagnostic) -> Value? in
    if let same = identity(node, rewriter) { return rewriter[same] }
    if case .reshape = node.op { return try simplifiedReshape(node, &rewriter) }
    if case .slice(let slice) = node.op { return try simplifiedSlice(slice, node, &rewriter) }
    if case .concatenate(let join) = node.op {
      return try simplifiedConcatenation(join, node, &rewriter)
    }
    if case .add = node.op { return try distributedAddition(node, &rewriter) }
    return nil
  }
}

/// The operand that a node merely repeats, or `nil`.
private func identity(_ node: Node, _ rewriter: GraphRewriter) -> Value? {
  guard node.operands.count == 1, node.type == rewriter.source[node.operands[0]].type else {
    return nil
  }
  if case .scale(let scale) = node.op { return scale.factor == 1 ? node.operands[0] : nil }
  return node.op.isView ? node.operands[0] : nil
}

private func simplifiedReshape(
  _ node: Node, _ rewriter: inout GraphRewriter
) throws(Diagnostic) -> Value? {
  let operand = rewriter.source[node.operands[0]]
  guard case .reshape = operand.op else { return nil }
  return try rewriter.append(node.op, rewriter[operand.operands], name: node.name)
}

private func simplifiedSlice(
  _ slice: Slice, _ node: Node, _ rewriter: inout GraphRewriter
) throws(Diagnostic) -> Value? {
  let operand = rewriter.source[node.operands[0]]
  if case .slice(let inner) = operand.op, inner.axis == slice.axis {
    let composed = Slice(axis: slice.axis, start: inner.start + slice.start, count: slice.count)
    return try rewriter.append(.slice(composed), rewriter[operand.operands], name: node.name)
  }
  guard case .concatenate(let join) = operand.op, join.axis == slice.axis else { return nil }
  var start = slice.start
  for part in operand.operands {
    let extent = rewriter.source[part].type.shape[slice.axis]
    if start < extent {
      guard start + slice.count <= extent else { return nil }
      let within = Slice(axis: slice.axis, start: start, count: slice.count)
      return try rewriter.append(.slice(within), [rewriter[part]], name: node.name)
    }
    start -= extent
  }
  return nil
}

/// The most operands that a concatenation takes.
let mostParts = 64

private func simplifiedConcatenation(
  _ join: Concatenate, _ node: Node, _ rewriter: inout GraphRewriter
) throws(Diagnostic) -> Value? {
  let source = rewriter.source
  // Neighbouring slices of one value.
  var start: Int?
  var end = 0
  let areNeighbours =
    node.operands.count > 1
    && node.operands.allSatisfy { part in
      guard case .slice(let slice) = source[part].op, slice.axis == join.axis,
        source[part].operands == source[node.operands[0]].operands,
        start == nil || slice.start == end
      else { return false }
      start = start ?? slice.start
      end = slice.start + slice.count
      return true
    }
  if areNeighbours, let start {
    return try rewriter.append(
      .slice(Slice(axis: join.axis, start: start, count: end - start)),
      rewriter[source[node.operands[0]].operands], name: node.name)
  }
  // A concatenation within a concatenation.
  var parts: [Value] = []
  for part in node.operands {
    if case .concatenate(let inner) = source[part].op, inner.axis == join.axis {
      parts += source[part].operands
    } else {
      parts.append(part)
    }
  }
  guard parts != node.operands, parts.count <= mostParts else { return nil }
  return try rewriter.append(node.op, rewriter[parts], name: node.name)
}

private func distributedAddition(
  _ node: Node, _ rewriter: inout GraphRewriter
) throws(Diagnostic) -> Value? {
  for (position, table) in [(0, node.operands[1]), (1, node.operands[0])] {
    guard rewriter.constants[table.index], rewriter.source[table].type == node.type,
      !rewriter.constants[node.operands[position].index],
      let whole = rewriter.soleProducer(of: node.operands[position]),
      case .concatenate(let join) = whole.op, join.axis == 0,
      whole.operands.contains(where: { rewriter.constants[$0.index] })
    else { continue }
    var start = 0
    var sums: [Value] = []
    for (index, part) in whole.operands.enumerated() {
      let count = rewriter.source[part].type.shape[0]
      let rows = try rewriter.append(
        .slice(Slice(start: start, count: count)), [rewriter[table]],
        name: "\(rewriter.source[table].name).\(index)")
      sums.append(
        try rewriter.append(
          .add(Add()), [rewriter[part], rows], name: "\(node.name).\(index)"))
      start += count
    }
    return try rewriter.append(whole.op, sums, name: node.name)
  }
  return nil
}
