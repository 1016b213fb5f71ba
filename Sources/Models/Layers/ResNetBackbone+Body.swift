import Diagnostics
import IR

/// Rows of pixels, and the extents of the image that they make up.
struct FeatureMap {
  /// The pixels: `[height * width, channels]`.
  var value: Value
  var height: Int
  var width: Int
}

extension ResNetBackbone {
  /// Appends the layers to a planar image; the last feature map, normalized as the form says.
  func append(
    _ image: Value, prefix: String, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> FeatureMap {
    var writer = BackboneWriter(builder: builder, backbone: self, prefix: prefix)
    let result = try writer.write(image)
    builder = writer.builder
    return result
  }
}

/// Writes down the layers of a backbone.
private struct BackboneWriter {
  var builder: ModelBuilder
  let backbone: ResNetBackbone
  let prefix: String

  private var isPost: Bool { backbone.form == .postActivation }

  mutating func write(_ image: Value) throws(Diagnostic) -> FeatureMap {
    let shape = builder.type(image).shape
    let planar = FeatureMap(value: image, height: shape[1], width: shape[2])
    var x = try stem(planar)
    x = try pooled("\(backbone.stem)pool", x)
    for unit in backbone.units { x = isPost ? try post(unit, x) : try pre(unit, x) }
    return isPost ? x : try normalized("norm", x)
  }

  /// The convolutions before the pooling; between them norm and ReLU, after them where units end
  /// with those.
  private mutating func stem(_ image: FeatureMap) throws(Diagnostic) -> FeatureMap {
    guard backbone.stemForm != .plain else {
      let x = try convolution(
        "\(backbone.stem)conv", image, backbone.stemWidth, size: ResNetBackbone.stemKernel,
        stride: 2)
      return isPost ? try normalized("\(backbone.stem)norm", x) : x
    }
    var x = image
    for (index, width) in backbone.stemWidths.enumerated() {
      let isLast = index == backbone.stemWidths.count - 1
      // PyTorch's deep stem is a sequence in which ReLUs count.
      let (layer, norm) =
        backbone.names == .resNet
        ? ("conv1.\(3 * index)", isLast ? "bn1" : "conv1.\(3 * index + 1)")
        : ("\(backbone.stem)conv\(index + 1)", "\(backbone.stem)norm\(index + 1)")
      x = try convolution(layer, x, width, size: 3, stride: index == 0 ? 2 : 1)
      if !isLast || isPost { x = try normalized(norm, x) }
    }
    return x
  }

  /// The name of a norm of a unit, by its number.
  private func norm(_ unit: ResNetBackbone.Unit, _ number: Int) -> String {
    "\(unit.name).\(backbone.names == .resNet ? "bn" : "norm")\(number)"
  }

  /// The convolution around a unit.
  private mutating func shortcut(
    _ unit: ResNetBackbone.Unit, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    let name = "\(unit.name).downsample.\(backbone.names == .resNet ? "1" : "conv")"
    guard backbone.averagesShortcuts, unit.stride == 2 else {
      return try convolution(name, x, unit.outputs, size: 1, stride: unit.stride)
    }
    return try averagedConvolution(name, x, unit.outputs)
  }

  /// A convolution of one pixel of the means of 2x2 pixels: one of 2x2 with a quarter of the weight
  /// in each place.
  private mutating func averagedConvolution(
    _ name: String, _ x: FeatureMap, _ outputs: Int
  ) throws(Diagnostic) -> FeatureMap {
    let name = prefix + name
    let channels = builder.type(x.value).shape[1]
    let weight = try builder.weight("\(name).weight", [outputs, channels, 1, 1])
    let quarter = try builder.append(.scale(Scale(0.25)), [weight], name: "\(name).quarter")
    let row = try builder.append(
      .concatenate(Concatenate(axis: 3)), [quarter, quarter], name: "\(name).row")
    let square = try builder.append(
      .concatenate(Concatenate(axis: 2)), [row, row], name: "\(name).square")
    return FeatureMap(
      value: try builder.append(
        .conv2d(Conv2d(width: x.width, stride: 2)), [x.value, square], name: name),
      height: x.height / 2, width: x.width / 2)
  }

  /// Norm and ReLU before each convolution; the shortcut bypasses them, unless it is projected.
  private mutating func pre(
    _ unit: ResNetBackbone.Unit, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    let name = unit.name
    let active = try normalized("\(name).norm1", x)
    let shortcut = unit.hasProjection ? try shortcut(unit, active) : x
    if backbone.isBasic {
      var y = try convolution(
        "\(name).conv1", active, unit.middle, size: 3, stride: unit.stride)
      y = try normalized("\(name).norm2", y)
      y = try convolution("\(name).conv2", y, unit.outputs, size: 3)
      return try sum("\(name).residual", y, shortcut)
    }
    var y = try convolution("\(name).conv1", active, unit.middle, size: 1)
    y = try normalized("\(name).norm2", y)
    y = try convolution("\(name).conv2", y, unit.middle, size: 3, stride: unit.stride)
    y = try normalized("\(name).norm3", y)
    y = try convolution("\(name).conv3", y, unit.outputs, size: 1)
    return try sum("\(name).residual", y, shortcut)
  }

  /// Norm and ReLU after each convolution, the last ReLU after the sum.
  private mutating func post(
    _ unit: ResNetBackbone.Unit, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    let name = unit.name
    var shortcut = x
    if unit.hasProjection {
      shortcut = try self.shortcut(unit, x)
      shortcut = try norm(
        "\(name).downsample.\(backbone.names == .resNet ? "2" : "norm")", shortcut)
    }
    var y = try convolution("\(name).conv1", x, unit.middle, size: 1)
    y = try normalized(norm(unit, 1), y)
    y = try convolution("\(name).conv2", y, unit.middle, size: 3, stride: unit.stride)
    y = try normalized(norm(unit, 2), y)
    y = try convolution("\(name).conv3", y, unit.outputs, size: 1)
    y = try norm(norm(unit, 3), y)
    return try relu("\(name).act3", try sum("\(name).residual", y, shortcut))
  }

  private mutating func convolution(
    _ name: String, _ x: FeatureMap, _ outputs: Int, size: Int, stride: Int = 1
  ) throws(Diagnostic) -> FeatureMap {
    let shape = builder.type(x.value).shape
    let isPlanar = shape.count == 3
    let channels = isPlanar ? shape[0] : shape[1]
    let weight = try builder.weight("\(prefix)\(name).weight", [outputs, channels, size, size])
    let standard =
      backbone.isStandardized
      ? try builder.append(
        .standardizeWeight(
          StandardizeWeight(
            epsilon: Float(backbone.standardizationEpsilon), kind: backbone.standardization)),
        [weight], name: "\(prefix)\(name).standardized") : weight
    let op = Conv2d(
      width: isPlanar ? nil : x.width, stride: stride,
      padding: backbone.padding(height: x.height, width: x.width, size: size, stride: stride))
    return FeatureMap(
      value: try builder.append(
        .conv2d(op), [x.value, standard], name: "\(prefix)\(name)"),
      height: (x.height + stride - 1) / stride, width: (x.width + stride - 1) / stride)
  }

  private mutating func pooled(
    _ name: String, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    let op = MaxPool(
      width: x.width, size: 3, stride: 2,
      padding: backbone.padding(height: x.height, width: x.width, size: 3, stride: 2),
      border: backbone.border == .fixed ? .zero : .lowest)
    return FeatureMap(
      value: try builder.append(.maxPool(op), [x.value], name: prefix + name),
      height: (x.height + 1) / 2, width: (x.width + 1) / 2)
  }

  private mutating func norm(
    _ name: String, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    if backbone.norm == .batch {
      var y = x
      y.value = try builder.batchNorm(
        prefix + name, x.value, epsilon: backbone.batchNormEpsilon)
      return y
    }
    let op = GroupNorm(groups: backbone.groups, epsilon: Float(backbone.groupNormEpsilon))
    var y = x
    y.value = try builder.append(
      .groupNorm(op), try operands(of: name, x, ["weight", "bias"]), name: prefix + name)
    return y
  }

  /// A map and vectors of its channels.
  private mutating func operands(
    of name: String, _ x: FeatureMap, _ vectors: [String]
  ) throws(Diagnostic) -> [Value] {
    let channels = builder.type(x.value).shape[1]
    var operands = [x.value]
    for vector in vectors {
      operands.append(try builder.weight("\(prefix)\(name).\(vector)", [channels]))
    }
    return operands
  }

  private mutating func relu(
    _ name: String, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    var y = x
    y.value = try builder.append(
      .activation(Activation(.relu)), [x.value], name: prefix + name)
    return y
  }

  private mutating func normalized(
    _ name: String, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    let epsilon = Float(backbone.groupNormEpsilon)
    var y = x
    switch backbone.norm {
    case .group, .batch: return try relu("\(name).act", try norm(name, x))
    case .evo:
      y.value = try builder.append(
        .evoNorm(EvoNorm(groups: backbone.groups, epsilon: epsilon)),
        try operands(of: name, x, ["weight", "bias", "v"]), name: prefix + name)
    case .filterResponse:
      y.value = try builder.append(
        .filterResponseNorm(FilterResponseNorm(epsilon: epsilon)),
        try operands(of: name, x, ["weight", "bias", "tau"]), name: prefix + name)
    }
    return y
  }

  private mutating func sum(
    _ name: String, _ x: FeatureMap, _ shortcut: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    var y = x
    y.value = try builder.append(
      .add(Add()), [shortcut.value, x.value], name: prefix + name)
    return y
  }
}
