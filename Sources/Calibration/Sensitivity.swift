import Diagnostics
import IR
import Passes

/// What each fused linear layer of integers contributes to the error of a calibrated graph.
public struct Sensitivity {
  /// The fused linear layers, first those that gain most for their work, each with what the square
  /// of the largest output error loses when it alone is computed in bf16: less than zero where
  /// errors happened to cancel.
  public let ranking: [(name: String, gain: Double)]

  /// Measures with some of the images of `calibration`.
  ///
  /// Each fused linear layer is replaced in turn, and the rest of the graph computed again.
  public init(
    _ calibrator: Calibrator, _ calibration: Calibration, _ images: [Tensor], _ chosen: [Int],
    progress: (Double) -> Void = { _ in }
  ) throws(Diagnostic) {
    let (graph, weights) = (calibrator.graph, calibrator.weights)
    var activations = Activations(
      graph, images: chosen.map { images[$0] }, keepsConstants: true
    ) { (name) throws(Diagnostic) in
      if let found = calibration.tensor(named: name) { return found }
      return try weights(name)
    }
    let truth = calibration.truth.mapValues { tensors in chosen.map { tensors[$0] } }
    let order = activations.order
    var errors: [String: Double] = [:]
    for (position, value) in order.enumerated() {
      progress(Double(position) / Double(order.count))
      let node = graph[value].node
      if case .fusedLinear(let fusedLinear) = node.op,
        graph[node.operands[1]].type.element == .s8,
        CalibratedTensor.hasBias(node, in: graph)
      {
        var fork = activations
        fork.set(value, try calibrator.inPairs(value, fusedLinear, activations, calibration))
        for later in order[(position + 1)...] { try fork.compute(later) }
        errors[node.name] = Self.square(try fork.results(), truth)
      }
      try activations.compute(value)
    }
    let whole = Self.square(try activations.results(), truth)
    let gains = errors.map { (name: $0.key, gain: whole - $0.value) }
    func worth(_ gain: (name: String, gain: Double)) -> Double {
      guard let value = graph.value(named: gain.name) else { return 0 }
      return gain.gain / Double(max(1, graph.flops(of: graph[value].node)))
    }
    ranking = gains.sorted { (worth($0), $1.name) > (worth($1), $0.name) }
  }

  private static func square(_ found: [String: [Tensor]], _ truth: [String: [Tensor]]) -> Double {
    let largest = OutputError.relative(found, of: truth).values.max() ?? 0
    return largest * largest
  }
}

extension Calibrator {
  /// The value of a fused linear layer of integers if it were one of bf16.
  func inPairs(
    _ value: Value, _ fusedLinear: FusedLinear, _ activations: Activations,
    _ calibration: Calibration
  ) throws(Diagnostic) -> [Tensor] {
    var source = fusedLinear
    source.prologue.hadamardSize = nil
    let weight = try self.weight(of: value).rounded(to: .bf16).rounded(to: .f32)
    let bias = calibration.tensor(named: CalibratedTensor.bias(of: graph[value].name))?.values ?? []
    let rows = try activations.rows(value, LinearStep(fusedLinear: source, operandType: .bf16))
    let sums = concurrentMap(rows.count) { LinearStep.sums(rows[$0], weight, bias: bias) }
    return try activations.finish(sums, value, fusedLinear)
  }
}
