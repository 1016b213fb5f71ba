import IR

/// What one run of a graph costs.
public struct Cost: Hashable, Sendable {
  /// Floating-point operations of matmuls, two for each multiply-add.
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
      switch node.op.execution {
      case .input, .view: continue
      case .evaluated, .kernel, .kernelAlways: break
      }
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

  /// The floating-point operations of a node's matmuls: two for each multiply-add.
  public func flops(of node: Node) -> Int { facts(of: node).work?.flops ?? 0 }
}
