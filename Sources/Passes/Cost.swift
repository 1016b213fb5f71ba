import IR

/// What one run of a graph costs.
public struct Cost: Hashable, Sendable {
  /// Floating-point operations of products, two for each multiply-add.
  ///
  /// What is done element by element is not counted.
  public var flops = 0
  /// Bytes of constants that run-time operations read.
  public var weightBytes = 0
  /// Bytes of activations read and written, each as often as an operation names it; views cost
  /// nothing.
  public var activationBytes = 0

  /// No cost.
  public init() {}
}

extension Graph {
  /// What one run costs; constants cost only to be read.
  public var cost: Cost {
    let constants = constants()
    var cost = Cost()
    var isCounted = ValueTable(self, repeating: false)
    let wanted = wanted()
    for (index, node) in nodes.enumerated() where !constants[index] {
      cost.flops += flops(of: node)
      guard !node.op.isView else { continue }
      if case .input = node.op { continue }
      for value in results(of: index) where value.result == 0 || wanted[value] {
        cost.activationBytes += self[value].type.sizeBytes
      }
      for operand in node.operands {
        if !constants[operand.index] {
          cost.activationBytes += self[operand].type.sizeBytes
        } else if !isCounted[operand] {
          isCounted[operand] = true
          cost.weightBytes += self[operand].type.sizeBytes
        }
      }
    }
    return cost
  }

  /// The number of elements of the checkpoint's tensors that the graph reads.
  public var parameterCount: Int { checkpointTensors.values.reduce(0, +) }

  /// The checkpoint's tensors that the graph reads, by name, with their numbers of elements.
  public var checkpointTensors: [String: Int] {
    var tensors: [String: Int] = [:]
    for node in nodes {
      if case .weight(let weight) = node.op { tensors[weight.tensor] = node.type.count }
    }
    return tensors
  }

  /// The floating-point operations of a node's products: two for each multiply-add.
  public func flops(of node: Node) -> Int {
    func type(_ position: Int) -> TensorType { self[node.operands[position]].type }
    switch node.op {
    // `depth` multiply-adds for each element of the result.
    case .linear: return 2 * node.type.count * (type(0).shape.last ?? 0)
    case .contraction(let contraction):
      let flops = 2 * node.type.count * (type(0).shape.last ?? 0)
      // The products alone, of which Strassen's algorithm does 7 of 8; its additions count no more
      // than those of other operations.
      return contraction.usesStrassen ? flops / 8 * 7 : flops
    case .matMul: return 2 * node.type.count * (type(0).shape.last ?? 0)
    case .patchEmbed, .conv2d: return 2 * node.type.count * type(1).shape.dropFirst().reduce(1, *)
    case .convolution(let op):
      let pixels = op.windows(of: type(0)).count
      return 2 * pixels * (node.type.shape.last ?? 0) * op.depth(of: type(0))
    // One multiply-add for each frequency, tile and pair of channels.
    case .winogradConvolution(let op):
      let tile = WinogradConvolution.tile(of: type(1)) ?? .two
      let tiles = tile.count(height: type(0).shape[0] / op.width, width: op.width)
      return 2 * tile.frequencies * tiles * type(0).shape[1] * op.columns
    // Scores, then weighted values: each `tokens` multiply-adds for each element of the queries.
    case .attention: return 4 * node.type.count * type(1).shape[0]
    case .input, .weight, .fill, .extractPatches, .resizePositionEmbedding, .concatenate, .slice,
      .reshape, .transpose, .add, .multiply, .scale, .center, .layerNorm, .splitHeads,
      .mergeHeads, .softmax, .activation, .swiGLU, .meanRows, .standardizeWeight, .groupNorm,
      .maxPool, .copy, .pack, .winogradWeight, .moments, .normFactors, .normalize, .round,
      .quantize, .channelFactors, .rotate,
      .diagonal:
      return 0
    }
  }
}
