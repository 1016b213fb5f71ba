import IR

/// Where the parts of a model are in its imported graph.
///
/// Nodes have the names that layers give them, which are timm's whatever the checkpoint's are.
struct Anatomy {
  /// What a block is.
  struct Block {
    /// Its name, such as `blocks.3`.
    let name: String
    /// The weights of its attentions, `[heads, tokens, tokens]` each: most blocks have one.
    var attentions: [Value] = []
    /// The tokens that it leaves, a row each.
    var output: Value?
    /// `true` iff each head is the difference of two, of which `attentions` has both.
    var isDifferential = false
  }

  /// The blocks, in order.
  private(set) var blocks: [Block] = []
  /// The tokens that the first block reads.
  private(set) var embedding: Value?
  /// The weights by which a learned query gathers tokens, `[heads, 1, tokens]`.
  private(set) var query: Value?
  /// The kernel that reads the image first, `[filters, channels, height, width]`, a constant, and
  /// whether it cuts the image into patches.
  private(set) var filters: (value: Value, arePatches: Bool)?
  /// The table of positions as it is stored, and its grid where it is resized.
  private(set) var positions: (value: Value, grid: [Int]?, prefix: Int)?
  /// A table of cosines and sines of rotary positions.
  private(set) var rotations: Value?
  /// `true` iff something is added to scores by relative position.
  private(set) var hasRelativeBias = false

  /// - Parameter tokens: how many rows the tokens of all blocks have; `nil`: that differs.
  init(_ graph: Graph, tokens: Int?) {
    let constants = graph.constants()
    for value in graph.firstResults {
      let definition = graph[value]
      let node = definition.node
      look(at: node, value, graph)
      let areTokens = node.type.rank == 2 && (tokens ?? node.type.shape[0]) == node.type.shape[0]
      if let name = Self.block(of: node.name) {
        if blocks.last?.name != name { blocks.append(Block(name: name)) }
        if constants[value.index] { continue }
        let last = blocks.count - 1
        if case .softmax = node.op {
          blocks[last].attentions.append(value)
          let path = node.name.split(separator: ".").suffix(2).map(String.init)
          if path == ["2", "softmax"] { blocks[last].isDifferential = true }
        }
        if areTokens { blocks[last].output = value }
      } else if blocks.isEmpty, !constants[value.index], areTokens {
        embedding = value
      }
    }
  }

  /// Finds what is not of blocks.
  private mutating func look(at node: Node, _ value: Value, _ graph: Graph) {
    if case .softmax = node.op, node.name.hasPrefix("attn_pool"), node.type.shape[1] == 1 {
      query = value
    }
    if case .relativePositionBias = node.op { hasRelativeBias = true }
    if filters == nil {
      if case .patchEmbed = node.op { filters = (node.operands[1], true) }
      if case .conv2d = node.op { filters = (node.operands[1], false) }
    }
    if node.name == "pos_embed.rows" || node.name == "pos_embed.patches" {
      positions = (value, nil, 0)
    }
    if case .resizePositionEmbedding(let op) = node.op, node.name.hasPrefix("pos_embed") {
      positions = (node.operands[0], op.from, op.prefix)
    }
    switch node.op {
    case .ropeTable, .learnedRopeTable: rotations = rotations ?? value
    default: break
    }
  }

  /// The name of the block that a value belongs to: all up to the number after `blocks`.
  private static func block(of name: String) -> String? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let place = parts.firstIndex(of: "blocks"), place + 1 < parts.count,
      Int(parts[place + 1]) != nil
    else { return nil }
    return parts[...(place + 1)].joined(separator: ".")
  }
}
