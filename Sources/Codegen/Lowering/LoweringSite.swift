import Diagnostics
import IR

/// What a lowering sees: a node, and where its operands and its results are.
struct LoweringSite {
  let node: Node
  /// The types of the operands.
  let types: [TensorType]
  let operands: [Matrix]
  /// Where the results are; `nil`: nobody wants it, which cannot be of the first.
  let results: [Matrix?]
  /// Where the first result is.
  let output: Matrix
  /// What the code is for.
  let target: Target

  /// - Throws: a value without a place; a result of the model that is neither of f32 nor
  ///   of f16.
  init(_ node: Node, in graph: Graph, for target: Target) throws(Diagnostic) {
    for result in node.results {
      if case .output = result.placement?.space, ![.f32, .f16].contains(result.type.element) {
        throw Diagnostic(
          "results are of f32 or f16, found \(result.type)", at: .node(result.name))
      }
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
    var results: [Matrix?] = []
    for result in node.results {
      results.append(result.placement == nil ? nil : try Matrix(result))
    }
    self.results = results
  }

  /// The result of this number; nothing where nobody wants it or there is none.
  func result(_ number: Int) -> StepCall.Operand {
    guard number < results.count, let matrix = results[number] else { return .none }
    return .matrix(matrix)
  }

  /// Elements from one row to the next of the result of this number; `nil` where it has no place.
  func resultStride(_ number: Int) -> Int? {
    number < results.count ? results[number]?.stride : nil
  }

  /// The operand of a role; without one: nothing.
  func operand(_ role: OperandRole) -> StepCall.Operand { operand(node.op.position(of: role)) }

  /// Elements from one row to the next of the operand of a role; `nil` where there is none.
  func stride(_ role: OperandRole) -> Int? { stride(node.op.position(of: role)) }

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
