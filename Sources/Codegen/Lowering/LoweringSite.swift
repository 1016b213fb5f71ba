import Diagnostics
import IR

/// What a lowering sees: a node, and where its operands and its result are.
struct LoweringSite {
  let node: Node
  /// The types of the operands.
  let types: [TensorType]
  let operands: [Matrix]
  let output: Matrix
  /// What the code is for.
  let target: Target

  /// - Throws: a value without a place; a result of the model that is not of f32.
  init(_ node: Node, in graph: Graph, for target: Target) throws(Diagnostic) {
    if case .output = node.placement?.space, node.type.element != .f32 {
      throw Diagnostic("results are of f32, found \(node.type)", at: .node(node.name))
    }
    if let other = node.results.dropFirst().first(where: { $0.placement != nil }) {
      throw Diagnostic(
        "'\(node.op.mnemonic)' is compiled for its first result only", at: .node(other.name))
    }
    self.node = node
    self.target = target
    types = node.operands.map { graph[$0].type }
    var operands: [Matrix] = []
    for operand in node.operands {
      operands.append(try Matrix(graph[operand].node.results[operand.result]))
    }
    self.operands = operands
    output = try Matrix(node.results[0])
  }

  /// The operand at this index; `nil` or an index beyond the last: nothing.
  func operand(_ index: Int?) -> StepCall.Operand {
    guard let index, index < operands.count else { return .none }
    return .matrix(operands[index])
  }

  /// Elements from one row to the next of the operand at this index; `nil` where there is none.
  func stride(_ index: Int?) -> Int? {
    guard let index, index < operands.count else { return nil }
    return operands[index].stride
  }

  /// `true` iff the weight, the second operand, is aligned as the kernels read it, and this
  /// dimension of it is a panel's width.
  func hasPanels(along dimension: Int) -> Bool {
    types[1].shape[dimension] == Tile.panelWidth && operands[1].placement.offsetBytes % 64 == 0
  }

  /// The refusal of a weight that is not packed as the kernels read it.
  var notPacked: Diagnostic {
    Diagnostic(
      "expected a weight packed in panels of \(Tile.panelWidth), 64-byte aligned, found "
        + "\(types[1]) at \(operands[1].placement)", at: .node(node.name))
  }
}
