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
      var errors = [Float](repeating: 0, count: stored.columns)
      for start in stride(from: 0, to: values.count, by: stored.columns) {
        let row = UnsafeBufferPointer(rebasing: values[start..<start + stored.columns])
        let scale = Quantize.scale(of: row)
        errors.withUnsafeMutableBufferPointer { errors in
          for k in row.indices { errors[k] = row[k] - Quantize.rounded(row[k] / scale) * scale }
        }
        let (mean, variance) = errors.withUnsafeBufferPointer { Self.moments($0, mixed) }
        noise += mean * mean + variance
        squares += Self.squares(row)
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

  /// The numbers that sums are taken of side by side: one alone would wait for each addition.
  private static let lanes = 4

  /// Mean and variance of the product of some factors and the channels of a row.
  private static func moments(
    _ factors: UnsafeBufferPointer<Float>, _ rows: ChannelSpread
  ) -> (mean: Double, variance: Double) {
    rows.means.withUnsafeBufferPointer { means in
      rows.variances.withUnsafeBufferPointer { variances in
        var (mean, variance) = (SIMD4<Double>(), SIMD4<Double>())
        let whole = factors.count / lanes * lanes
        for k in stride(from: 0, to: whole, by: lanes) {
          let w = four(factors, k)
          mean += w * SIMD4(means[k], means[k &+ 1], means[k &+ 2], means[k &+ 3])
          variance +=
            w * w
            * SIMD4(variances[k], variances[k &+ 1], variances[k &+ 2], variances[k &+ 3])
        }
        for k in whole..<factors.count {
          let w = Double(factors[k])
          mean[0] += w * means[k]
          variance[0] += w * w * variances[k]
        }
        return (mean.sum(), variance.sum())
      }
    }
  }

  /// The sum of the squares of some numbers.
  private static func squares(_ row: UnsafeBufferPointer<Float>) -> Double {
    var sums = SIMD4<Double>()
    let whole = row.count / lanes * lanes
    for k in stride(from: 0, to: whole, by: lanes) {
      let w = four(row, k)
      sums += w * w
    }
    for k in whole..<row.count { sums[0] += Double(row[k]) * Double(row[k]) }
    return sums.sum()
  }

  /// Four neighbours.
  @inline(__always)
  private static func four(_ row: UnsafeBufferPointer<Float>, _ k: Int) -> SIMD4<Double> {
    SIMD4(Double(row[k]), Double(row[k &+ 1]), Double(row[k &+ 2]), Double(row[k &+ 3]))
  }
}
