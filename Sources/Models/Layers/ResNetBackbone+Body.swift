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
    var x = try convolution(
      "\(backbone.stem)conv", planar, backbone.stemWidth, size: ResNetBackbone.stemKernel, stride: 2
    )
    if isPost { x = try normalized("\(backbone.stem)norm", x) }
    x = try pooled("\(backbone.stem)pool", x)
    for unit in backbone.units { x = isPost ? try post(unit, x) : try pre(unit, x) }
    return isPost ? x : try normalized("norm", x)
  }

  /// Norm and ReLU before each convolution; the shortcut bypasses them, unless it is projected.
  private mutating func pre(
    _ unit: ResNetBackbone.Unit, _ x: FeatureMap
  ) throws(Diagnostic) -> FeatureMap {
    let name = unit.name
    let active = try normalized("\(name).norm1", x)
    let shortcut =
      unit.hasProjection
      ? try convolution(
        "\(name).downsample.conv", active, unit.outputs, size: 1, stride: unit.stride) : x
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
      shortcut = try convolution(
        "\(name).downsample.conv", x, unit.outputs, size: 1, stride: unit.stride)
      shortcut = try norm("\(name).downsample.norm", shortcut)
    }
    var y = try convolution("\(name).conv1", x, unit.middle, size: 1)
    y = try normalized("\(name).norm1", y)
    y = try convolution("\(name).conv2", y, unit.middle, size: 3, stride: unit.stride)
    y = try normalized("\(name).norm2", y)
    y = try convolution("\(name).conv3", y, unit.outputs, size: 1)
    y = try norm("\(name).norm3", y)
    return try relu("\(name).act3", try sum("\(name).residual", y, shortcut))
  }

  private mutating func convolution(
    _ name: String, _ x: FeatureMap, _ outputs: Int, size: Int, stride: Int = 1
  ) throws(Diagnostic) -> FeatureMap {
    let shape = builder.type(x.value).shape
    let isPlanar = shape.count == 3
    let channels = isPlanar ? shape[0] : shape[1]
    let weight = try builder.weight("\(prefix)\(name).weight", [outputs, channels, size, size])
    let standard = try builder.append(
      .standardizeWeight(
        StandardizeWeight(
          epsilon: Float(backbone.standardizationEpsilon), kind: backbone.standardization)),
      [weight], name: "\(prefix)\(name).standardized")
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
    let channels = builder.type(x.value).shape[1]
    let op = GroupNorm(groups: backbone.groups, epsilon: Float(backbone.groupNormEpsilon))
    let operands = [
      x.value, try builder.weight("\(prefix)\(name).weight", [channels]),
      try builder.weight("\(prefix)\(name).bias", [channels]),
    ]
    var y = x
    y.value = try builder.append(.groupNorm(op), operands, name: prefix + name)
    return y
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
    try relu("\(name).act", try norm(name, x))
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
