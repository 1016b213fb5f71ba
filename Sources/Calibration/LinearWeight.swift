import Diagnostics
import Evaluation
import IR

/// The weight and bias of a linear layer as floats, before they are quantized or rounded.
struct LinearWeight {
  /// `[out, in]`.
  private let weight: Tensor
  private let bias: [Double]
  /// The size of the Hadamard matrix that rows and weight are multiplied by for the matmul.
  private let size: Int?

  /// Reads those of a fused linear layer.
  init(
    _ graph: Graph, _ value: Value, weights: @escaping Evaluator.WeightReader
  ) throws(Diagnostic) {
    let node = graph[value].node
    let evaluator = Evaluator(graph, weights: weights)
    var source = node.operands[1]
    var bias = node[.bias]
    let element = graph[source].type.element
    if element != .f32 { source = graph[source].operands[0] }
    if element == .s8 {
      // The bias is an operand of the quantization parameters.
      bias = bias.flatMap { graph[$0].operands.count > 1 ? graph[$0].operands[1] : nil }
    }
    size = ErrorEstimate.prologue(node)?.hadamardSize
    if size != nil { source = graph[source].operands[0] }
    weight = try evaluator.constant(source)
    self.bias =
      try bias.map { (value) throws(Diagnostic) in
        try evaluator.constant(value).values.map(Double.init)
      } ?? [Double](repeating: 0, count: weight.rows)
  }

  /// What the layer makes of rows, before an activation.
  func outputs(_ rows: ChannelSpread) -> ChannelSpread {
    var (means, variances) = (bias, [Double]())
    for n in 0..<weight.rows {
      let (mean, variance) = moments(n, rows)
      means[n] += mean
      variances.append(variance)
    }
    return ChannelSpread(means: means, variances: variances)
  }

  /// The expected error of its outputs in integers, relative to them.
  func error(_ rows: ChannelSpread) -> Double {
    var (signal, squares, noise) = (0.0, 0.0, 0.0)
    for n in 0..<weight.rows {
      let (mean, variance) = moments(n, rows)
      signal += mean * mean + variance
    }
    let mixed = rows.rotated(size: size)
    let stored =
      size.map { Op.hadamard(Hadamard(size: $0)).evaluate([weight]) } ?? weight
    stored.values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: values.count, by: stored.columns) {
        let row = values[start..<start + stored.columns]
        let scale = Quantize.scale(of: stored.values[row.indices])
        var (mean, variance) = (0.0, 0.0)
        for (k, w) in row.enumerated() {
          let error = Double(w - (w / scale).rounded(.toNearestOrEven) * scale)
          mean += error * mixed.means[k]
          variance += error * error * mixed.variances[k]
          squares += Double(w) * Double(w)
        }
        noise += mean * mean + variance
      }
    }
    // The rounding errors of a row are spread evenly over one step.
    let step = (mixed.highest - mixed.lowest) / 255
    noise += step * step / 12 * squares
    return noise == 0 ? 0 : (noise / signal).squareRoot()
  }

  /// Mean and variance of an output without its bias.
  private func moments(_ n: Int, _ rows: ChannelSpread) -> (mean: Double, variance: Double) {
    var (mean, variance) = (0.0, 0.0)
    weight.values.withUnsafeBufferPointer { values in
      for k in 0..<weight.columns {
        let w = Double(values[n * weight.columns + k])
        mean += w * rows.means[k]
        variance += w * w * rows.variances[k]
      }
    }
    return (mean, variance)
  }
}
