import Diagnostics
import IR

extension Graph {
  /// Returns this graph with a `copy` wherever a view could not lie in its operand, or an operand
  /// of a concatenation not in the result.
  ///
  /// - Throws: a slice or concatenation of rank 3 or more, which no kernel reads in place.
  func insertingCopies(_ context: inout PassContext) throws(Diagnostic) -> Graph {
    try rewriting(&context, required: true) { (node, rewriter) throws(Diagnostic) -> Value? in
      guard case .view(let view) = node.op.execution,
        !rewriter.constants[rewriter.current.index]
      else { return nil }
      if node.type.rank > 2, view != .reshape {
        throw Diagnostic(
          "'\(node.op.mnemonic)' of rank \(node.type.rank) has no place in memory",
          at: .node(node.name), hint: "only rows and columns of matrices can be views")
      }
      let copied = node.operands.map { !rewriter.source.canHold($0, node, view, rewriter) }
      guard copied.contains(true) else { return nil }
      var operands: [Value] = []
      for (operand, isCopied) in zip(node.operands, copied) {
        let new = rewriter[operand]
        operands.append(
          isCopied
            ? try rewriter.append(
              .copy(Copy()), [new], name: "\(rewriter.source[operand].name).copy")
            : new)
      }
      return try rewriter.append(node.op, operands, name: node.name)
    }
  }

  /// `true` iff the view `node` can share memory with its operand `operand` as that is.
  private func canHold(
    _ operand: Value, _ node: Node, _ view: View, _ rewriter: GraphRewriter
  ) -> Bool {
    let operandNode = self[operand]
    if operandNode.op.execution == .input { return false }
    switch view {
    case .reshape:
      return operandNode.type == node.type || operandNode.isDense
    case .concatenate:
      if rewriter.constants[operand.index] || rewriter.useCounts[operand] != 1 {
        return false
      }
      if case .view(.concatenate) = operandNode.op.execution { return true }
      return !operandNode.op.isView
    case .slice: return true
    }
  }

  /// Returns this graph with a `copy` for each result that cannot be computed in the caller's
  /// buffer: constants, inputs, parts of other values, values that are read again or returned
  /// twice.
  func copyingSharedResults(_ context: inout PassContext) throws(Diagnostic) -> Graph {
    var builder = GraphBuilder(name: name, form: form)
    for node in nodes {
      _ = try builder.append(
        node.op, node.operands, names: node.results.map(\.name),
        placements: node.results.map(\.placement))
    }
    for output in outputs {
      if resultRoot(of: output.value) != nil {
        builder.addOutput(output.name, output.value)
      } else {
        let copy = try builder.append(
          .copy(Copy()), [output.value], name: "\(self[output.value].name).result")
        builder.addOutput(output.name, copy)
        context.count(1)
      }
    }
    return builder.graph
  }

  /// The value whose memory holds all of the result `value` and nothing else, if it is computed at
  /// run time and read by nobody but the caller.
  func resultRoot(of value: Value) -> Value? {
    let facts = GraphFacts(self)
    var root = value
    var uses = outputs.count { $0.value == value }
    while true {
      guard !facts.isConstant(root), facts.users[root].count + uses == 1 else { return nil }
      switch self[root].op.execution {
      case .input, .view(.slice): return nil
      case .view(.reshape):
        root = self[root].operands[0]
        uses = outputs.count { $0.value == root }
      case .evaluated, .kernel, .kernelAlways, .view(.concatenate): return root
      }
    }
  }
}

extension Definition {
  /// `true` iff the rows of the value follow each other without padding wherever it is placed.
  fileprivate var isDense: Bool { type.rank != 2 || type.shape[0] == 1 }
}
