import IR

/// The names of the tensors that a calibration finds for a fused linear layer.
///
/// They are weights of the graph like those of the checkpoint, which has no such names.
public enum CalibratedTensor {
  private static let prefix = "calibration:"

  /// The weight of integers of the operation of this name, `s8[out, in]`.
  public static func integers(of name: String) -> String { "\(prefix)\(name).integers" }
  /// Its scales, sums and bias, as `quantization_parameters` makes them, `f32[3, out]`.
  public static func quantization(of name: String) -> String { "\(prefix)\(name).quantization" }
  /// The bias of the same operation in bf16, `f32[out]`.
  public static func bias(of name: String) -> String { "\(prefix)\(name).bias" }

  /// `true` iff the bias of `node`, or its quantization parameters, are found by a calibration.
  public static func hasBias(_ node: Node, in graph: Graph) -> Bool {
    guard case .fusedLinear = node.op, let constant = node[.bias],
      case .weight(let weight) = graph[constant].op
    else { return false }
    return weight.tensor == quantization(of: node.name) || weight.tensor == bias(of: node.name)
  }
}
