import COpenBLAS
import Diagnostics
import Evaluation
import IR
import Passes

/// Finds weights and biases of the fused linear layers of a graph from what images make of it.
///
/// Two graphs go side by side, node by node: the original one in floats, and the one that is
/// calibrated, whose rows are those that it will have: earlier layers are lowered already. For each
/// fused linear layer:
/// - integers are rounded with ``ErrorFeedback`` for the rows that they will multiply, as those are
///   quantized;
/// - the bias is such that the mean of each output is the original's;
/// - values of an attention get mean zero, which leaves more bits for what differs. Each row of a
///   softmax sums to 1, so the next projection takes the mean back exactly, in its own bias.
public struct Calibrator {
  let graph: Graph
  private let original: Graph
  let weights: Evaluator.WeightReader
  /// The outputs of fused linear layers that are values of an attention and may be centred.
  private let values: [Value: Range<Int>]

  /// Calibrates `graph`, which is `original` lowered by `use-int8` and `use-bf16`.
  public init(
    _ graph: Graph, of original: Graph, weights: @escaping Evaluator.WeightReader
  ) {
    self.graph = graph
    self.original = original
    self.weights = weights
    values = Self.centredValues(graph)
  }

  /// Calibrates with images as the model takes them; `progress` hears what part is done.
  ///
  /// - Throws: what reading a weight throws, a layer whose rows are not finite, or that OpenBLAS,
  ///   which multiplies here, cannot be loaded.
  public func run(
    images: [Tensor], progress: (Double) -> Void = { _ in }
  ) throws(Diagnostic) -> Calibration {
    if let fault = vitc_blas_fault() {
      let text = String(cString: fault)
      // What says what to do needs no hint.
      let hint =
        text.contains("raise the limit")
        ? "or compile without --calibrate"
        : "run 'apt-get install libopenblas0', or compile without --calibrate"
      throw Diagnostic(
        "cannot calibrate: \(text)", at: .argument("--calibrate"), hint: hint)
    }
    var calibration = Calibration()
    var truth = Activations(original, images: images, weights: weights)
    var lowered = Activations(graph, images: images, weights: weights)
    for (position, value) in lowered.order.enumerated() {
      progress(Double(position) / Double(lowered.order.count))
      let node = graph[value].node
      guard let twin = original.value(named: node.name) else {
        throw Diagnostic("the original graph has no such value", at: .node(node.name))
      }
      if case .fusedLinear(let fusedLinear) = node.op,
        case .fusedLinear(let source) = original[twin].op
      {
        let exact = try truth.sums(twin, source)
        let result = try truth.finish(exact, twin, source)
        var sums: [Tensor]
        if CalibratedTensor.hasBias(node, in: graph) {
          let site = Site(
            value: value, fusedLinear: fusedLinear, source: source,
            weight: try truth.constant(original[twin].operands[1]), means: Self.means(exact))
          sums = try calibrate(site, lowered, &calibration)
        } else {
          sums = try lowered.sums(value, fusedLinear)
        }
        lowered.set(value, try lowered.finish(sums, value, fusedLinear))
        truth.set(twin, result)
      } else {
        try lowered.compute(value)
        try truth.compute(twin)
      }
    }
    calibration.truth = try truth.results()
    calibration.errors = OutputError.relative(try lowered.results(), of: calibration.truth)
    return calibration
  }

  /// The original weight of a fused linear layer.
  func weight(of value: Value) throws(Diagnostic) -> Tensor {
    guard let twin = original.value(named: graph[value].name) else {
      throw Diagnostic("the original graph has no such value", at: .node(graph[value].name))
    }
    return try Evaluator(original, weights: weights).constant(original[twin].operands[1])
  }

  /// A fused linear layer that is calibrated.
  private struct Site {
    let value: Value
    let fusedLinear: FusedLinear
    /// The original one, its weight and the means of its sums.
    let source: FusedLinear
    let weight: Tensor
    let means: [Double]
  }

  /// Finds weight and bias of a site; returns its sums.
  private func calibrate(
    _ site: Site, _ lowered: Activations, _ calibration: inout Calibration
  ) throws(Diagnostic) -> [Tensor] {
    let node = graph[site.value]
    let centred = values[site.value] ?? 0..<0
    let targets = site.means.enumerated().map { centred.contains($0) ? 0 : $1 }
    // What a fallback to bf16 needs is found for integers too.
    let pairs = LinearStep(fusedLinear: site.source, operandType: .bf16)
    let rounded = site.weight.rounded(to: .bf16).rounded(to: .f32)
    let rows = try lowered.rows(site.value, pairs)
    let bias = Self.bias(rounded, Self.means(rows), targets)
    calibration.set(CalibratedTensor.bias(of: node.name), bias)
    guard graph[node.operands[1]].type.element == .s8 else {
      return concurrentMap(rows.count) { LinearStep.sums(rows[$0], rounded, bias: bias.values) }
    }
    return try integers(site, targets, lowered, &calibration)
  }

  private func integers(
    _ site: Site, _ targets: [Double], _ lowered: Activations, _ calibration: inout Calibration
  ) throws(Diagnostic) -> [Tensor] {
    let name = graph[site.value].name
    let rows = try lowered.rows(
      site.value, LinearStep(fusedLinear: site.fusedLinear, operandType: .s8))
    var weight = site.weight
    if let size = site.fusedLinear.prologue.hadamardSize {
      weight = Op.hadamard(Hadamard(size: size)).evaluate([weight])
    }
    let inputs = Covariance(rows)
    guard let feedback = ErrorFeedback(inputs) else {
      throw Diagnostic(
        "the calibration images make values that are not finite", at: .node(name))
    }
    let depth = weight.columns
    let scales = (0..<weight.rows).map {
      Quantize.scale(of: weight.values[$0 * depth..<($0 + 1) * depth])
    }
    let found = feedback.integers(weight, scales: scales)
    let integers = Tensor(shape: weight.shape, values: found.map(Float.init))
    for i in weight.values.indices { weight.values[i] = integers.values[i] * scales[i / depth] }
    let bias = Self.bias(weight, inputs.mean, targets)
    calibration.set(CalibratedTensor.integers(of: name), shape: weight.shape, found)
    calibration.set(
      CalibratedTensor.quantization(of: name),
      QuantizationParameters.tensor(integers, scales: scales, bias: bias))
    let known = weight
    return concurrentMap(rows.count) { LinearStep.sums(rows[$0], known, bias: bias.values) }
  }

  /// The bias with which rows of these means give sums of mean `targets`.
  private static func bias(_ weight: Tensor, _ means: [Double], _ targets: [Double]) -> Tensor {
    var bias = Tensor(shape: [weight.rows])
    for n in 0..<weight.rows {
      var sum = 0.0
      for k in 0..<weight.columns {
        sum += Double(weight.values[n * weight.columns + k]) * means[k]
      }
      bias.values[n] = Float(targets[n] - sum)
    }
    return bias
  }

  /// The mean row of all images.
  private static func means(_ tensors: [Tensor]) -> [Double] {
    let count = Double(tensors.reduce(0) { $0 + $1.rows })
    var means = [Double](repeating: 0, count: tensors[0].columns)
    for sums in concurrentMap(tensors.count, { Covariance.sums(tensors[$0]) }) {
      for i in means.indices { means[i] += sums[i] / count }
    }
    return means
  }

  /// The fused linear layers whose outputs, or a slice of them, are values of one attention and
  /// nothing else, with those outputs; only fused linear layers of found biases may read the
  /// attention.
  private static func centredValues(_ graph: Graph) -> [Value: Range<Int>] {
    let users = graph.users()
    let outputs = Set(graph.outputs.map(\.value))
    var ranges: [Value: Range<Int>] = [:]
    for value in graph.firstResults where !outputs.contains(value) {
      guard case .attention = graph[value].op,
        users[value].allSatisfy({ user in
          guard case .fusedLinear(let fusedLinear) = graph[user].op else { return false }
          return fusedLinear.prologue.epsilon == nil
            && CalibratedTensor.hasBias(graph[user].node, in: graph)
        })
      else { continue }
      var source = graph[value].operands[2]
      guard users[source] == [value], !outputs.contains(source) else { continue }
      var range = 0..<graph[source].type.shape[1]
      if case .slice(let slice) = graph[source].op, slice.axis == 1 {
        range = slice.start..<slice.start + slice.count
        source = graph[source].operands[0]
      }
      guard CalibratedTensor.hasBias(graph[source].node, in: graph),
        isReadOnce(range, of: source, users, graph)
      else { continue }
      ranges[source] = range
    }
    return ranges
  }

  /// `true` iff one slice reads these columns of a value, or one user all of them.
  private static func isReadOnce(
    _ columns: Range<Int>, of value: Value, _ users: ValueTable<[Value]>, _ graph: Graph
  ) -> Bool {
    let readers = users[value].filter { user in
      guard case .slice(let slice) = graph[user].op, slice.axis == 1 else { return true }
      return columns.overlaps(slice.start..<slice.start + slice.count)
    }
    return readers.count == 1
  }
}
