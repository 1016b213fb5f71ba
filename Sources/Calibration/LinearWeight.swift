import CWeightLoops
import IR

/// The weight and bias of a linear layer as floats, before they are quantized or rounded.
struct LinearWeight {
  /// Where these are in a graph.
  struct Constants {
    /// `[out, in]`.
    let weight: Value
    /// The weight as it is quantized or rounded: multiplied by the Hadamard matrix that rows are
    /// multiplied by for the matmul, if they are.
    let stored: Value
    let bias: Value?

    /// Those of a fused linear layer, before its weight is packed or after.
    init(_ graph: Graph, _ layer: Value) {
      let node = graph[layer].node
      var source = node.operands[1]
      var bias = node[.bias]
      if case .pack = graph[source].op { source = graph[source].operands[0] }
      let element = graph[source].type.element
      if element != .f32 { source = graph[source].operands[0] }
      if element == .s8 {
        // The bias is an operand of the quantization parameters.
        bias = bias.flatMap { graph[$0].operands.count > 1 ? graph[$0].operands[1] : nil }
      }
      stored = source
      let isRotated = ErrorEstimate.prologue(node)?.hadamardSize != nil
      weight = isRotated ? graph[source].operands[0] : source
      self.bias = bias
    }

    /// All of them, in an order of their own.
    var all: [Value] { [weight, stored] + [bias].compactMap(\.self) }
  }

  private let weight: Tensor
  private let stored: Tensor
  private let bias: [Double]
  /// The size of that Hadamard matrix.
  private let size: Int?

  /// Takes the constants of a fused linear layer, in the order of ``Constants/all``.
  init(_ node: Node, _ tensors: [Tensor]) {
    (weight, stored) = (tensors[0], tensors[1])
    size = ErrorEstimate.prologue(node)?.hadamardSize
    bias =
      tensors.count > 2
      ? tensors[2].values.map(Double.init) : [Double](repeating: 0, count: weight.rows)
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
    let ones = [Double](repeating: 1, count: stored.columns)
    stored.values.withUnsafeBufferPointer { values in
      var errors = [Float](repeating: 0, count: stored.columns)
      for start in stride(from: 0, to: values.count, by: stored.columns) {
        let row = UnsafeBufferPointer(rebasing: values[start..<start + stored.columns])
        let scale = Quantize.scale(of: row)
        errors.withUnsafeMutableBufferPointer { errors in
          for k in row.indices { errors[k] = row[k] - Quantize.rounded(row[k] / scale) * scale }
        }
        let (mean, variance) = errors.withUnsafeBufferPointer { Self.moments($0, mixed) }
        noise += mean * mean + variance
        if let first = row.baseAddress {
          squares += cwl_moments(first, ones, ones, row.count, 0).variance
        }
      }
    }
    // The rounding errors of a row are spread evenly over one step.
    let step = (mixed.highest - mixed.lowest) / 255
    noise += step * step / 12 * squares
    return noise == 0 ? 0 : (noise / signal).squareRoot()
  }

  /// Mean and variance of an output without its bias.
  private func moments(_ n: Int, _ rows: ChannelSpread) -> (mean: Double, variance: Double) {
    weight.values.withUnsafeBufferPointer { values in
      Self.moments(
        UnsafeBufferPointer(rebasing: values[n * weight.columns..<(n + 1) * weight.columns]), rows)
    }
  }

  /// Mean and variance of the product of some factors and the channels of a row.
  private static func moments(
    _ factors: UnsafeBufferPointer<Float>, _ rows: ChannelSpread
  ) -> (mean: Double, variance: Double) {
    precondition(min(rows.means.count, rows.variances.count) >= factors.count)
    guard let first = factors.baseAddress else { return (0, 0) }
    let sums = cwl_moments(first, rows.means, rows.variances, factors.count, 0)
    return (sums.mean, sums.variance)
  }
}
