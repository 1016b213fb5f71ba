import Diagnostics
import IR

/// What a model does to pixels before it cuts them into patches: `(x - mean) / deviation` of each
/// channel.
///
/// Both are folded into the projection of the patches, which reads each pixel once.
///
/// Source: `RadioInputConditioner` of transformers 5.
struct PixelConditioner: Hashable, Sendable {
  /// The canonical names of the stored numbers.
  static let (meanName, deviationName) = ("pixels.mean", "pixels.deviation")

  /// The mean of each channel where the checkpoint does not hold it.
  var mean: [Double]
  /// The deviation of each channel where the checkpoint does not hold it.
  var deviation: [Double]
  /// `true` iff the checkpoint holds both, as `[channels, 1, 1]`.
  var isStored = true

  /// The tensor that the mean is stored as.
  var meanTensor: TensorSpecification {
    TensorSpecification(name: Self.meanName, shape: [mean.count, 1, 1])
  }

  /// Returns the weight `[D, channels, p, p]` and the bias `[D]` of a projection of pixels that
  /// have not been conditioned.
  ///
  /// With `s = 1 / deviation` and `t = -mean * s`: `sum_c w_c (x_c s_c + t_c) + b`.
  func fold(
    into weight: Value, _ bias: Value?, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> (Value, Value?) {
    let shape = builder.type(weight).shape
    let (dim, channels, area) = (shape[0], shape[1], shape[2] * shape[3])
    let scaleShift = try scaleShift(channels, &builder)
    let spread = try spread(channels, area, &builder)
    func row(_ index: Int, _ name: String, _ builder: inout ModelBuilder) throws(Diagnostic)
      -> Value
    {
      let channel = try builder.rows(
        scaleShift, from: index, count: 1, name: "pixels.\(name).channels")
      return try builder.append(
        .linear(Linear()), [channel, spread], name: "pixels.\(name).row")
    }
    let rows = try builder.append(
      .reshape(Reshape([dim, channels * area])), [weight], name: "pixels.weight")
    // The shift through the weight as it is, and the scale into it.
    let shift = try builder.append(
      .linear(Linear()), [try row(1, "shift", &builder), rows], name: "pixels.projected")
    var sum = try builder.append(
      .reshape(Reshape([dim])), [shift], name: "pixels.bias")
    if let bias { sum = try builder.sum(sum, bias, name: "pixels.bias.sum") }
    let scale = try builder.append(
      .reshape(Reshape([channels * area])), [try row(0, "scale", &builder)],
      name: "pixels.scale")
    let scaled = try builder.append(
      .multiply(Multiply()), [rows, scale], name: "pixels.weight.scaled")
    return (
      try builder.append(.reshape(Reshape(shape)), [scaled], name: "pixels.weight.patches"), sum
    )
  }

  /// `s` and `t`, `[2, channels]`: those of a batch norm whose variance is `deviation^2`.
  private func scaleShift(
    _ channels: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let mean = try vector(Self.meanName, mean, channels, &builder)
    let deviation = try vector(Self.deviationName, deviation, channels, &builder)
    let variance = try builder.append(
      .multiply(Multiply()), [deviation, deviation], name: "pixels.variance")
    let one = try builder.append(.fill(Fill(1, shape: [channels])), [], name: "pixels.one")
    let zero = try builder.append(.fill(Fill(0, shape: [channels])), [], name: "pixels.zero")
    return try builder.append(
      .batchScaleShift(BatchScaleShift(epsilon: 0)), [one, zero, mean, variance],
      name: "pixels.scale_shift")
  }

  /// A number for each channel, from the checkpoint or from the configuration.
  private func vector(
    _ name: String, _ values: [Double], _ channels: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    if isStored {
      return try builder.append(
        .reshape(Reshape([channels])), [try builder.weight(name, [channels, 1, 1])],
        name: "\(name).channels")
    }
    var parts: [Value] = []
    for (channel, value) in values.enumerated() {
      parts.append(
        try builder.append(
          .fill(Fill(Float(value), shape: [1])), [], name: "\(name).\(channel)"))
    }
    return try builder.concatenated(parts, name)
  }

  /// The matrix `[channels * area, channels]` that gives each pixel of a patch what its channel
  /// has.
  private func spread(
    _ channels: Int, _ area: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    var blocks: [Value] = []
    for channel in 0..<channels {
      var columns: [Value] = []
      for column in 0..<channels {
        columns.append(
          try builder.append(
            .fill(Fill(column == channel ? 1 : 0, shape: [area, 1])), [],
            name: "pixels.spread.\(channel).\(column)"))
      }
      blocks.append(
        columns.count == 1
          ? columns[0]
          : try builder.append(
            .concatenate(Concatenate(axis: 1)), columns, name: "pixels.spread.\(channel)"))
    }
    return try builder.concatenated(blocks, "pixels.spread")
  }
}
