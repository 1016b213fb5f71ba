import Diagnostics
import IR

/// Where the blocks of a model end, as its graph says itself.
///
/// What a block makes is named after it, `blocks.3.mlp.residual`, and the last of that is its
/// result. Of a model of stages, whose maps shrink, the stages are what counts:
/// `layers.1.blocks.5.mlp.residual`. Stages of convolutions alone are no blocks of tokens.
struct BlockEnds {
  /// What the blocks are called in the graph.
  private static let titles = ["blocks", "layers", "stages"]

  /// The result of each block.
  let values: [Value]
  /// The title of the blocks; `nil` where there are none.
  private let title: String?
  /// The graph.
  private let graph: Graph

  /// Reads the graph of a model's body.
  init(_ graph: Graph) {
    self.graph = graph
    for title in Self.titles {
      var ends: [Int: Value] = [:]
      var attends = false
      for value in graph.firstResults {
        guard let block = Self.block(of: graph[value].name, title) else { continue }
        ends[block] = value
        attends = attends || graph[value].op.isOfAttention
      }
      let all = ends.keys.sorted()
      if attends, all == Array(all.indices) {
        values = all.compactMap { ends[$0] }
        self.title = title
        return
      }
    }
    values = []
    title = nil
  }

  /// The index in a name such as `blocks.3.attn`.
  private static func block(of name: String, _ title: String) -> Int? {
    let parts = name.split(separator: ".", maxSplits: 2)
    return parts.count == 3 && parts[0] == title ? Int(parts[1]) : nil
  }

  /// `true` iff the blocks are stages, each of several blocks.
  var areStages: Bool { title != nil && title != Self.titles[0] }

  /// The values of one block that satisfy a condition.
  func values(of block: Int, where isWanted: (Definition) -> Bool) -> [Value] {
    guard let title else { return [] }
    return graph.firstResults.filter {
      Self.block(of: graph[$0].name, title) == block && isWanted(graph[$0])
    }
  }

  /// The norm that reads what the last block gives; `nil` where there is none.
  var lastNorm: Node? {
    guard let last = values.last else { return nil }
    return graph.nodes.first { node in
      if case .layerNorm = node.op { return node.operands[0] == last }
      if case .rmsNorm = node.op { return node.operands[0] == last }
      return false
    }
  }
}

extension Op {
  /// `true` iff it makes weights of an attention, or reads by them.
  fileprivate var isOfAttention: Bool {
    if case .softmax = self { return true }
    if case .attention = self { return true }
    return false
  }
}
