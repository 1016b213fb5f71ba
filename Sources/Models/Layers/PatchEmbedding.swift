import Diagnostics
import IR

/// Patches of the image, or of what convolutions make of it, as tokens.
struct PatchEmbedding: Hashable, Sendable {
  /// What precedes the names of the backbone's tensors.
  static let backbonePrefix = "patch_embed.backbone."

  /// The convolutions that patches are cut from the result of; `nil`: patches of the image itself.
  var backbone: ResNetBackbone?
  /// The side of a patch, in pixels of the image or of the backbone's result.
  var patch: Int
  /// The width of a token.
  var dim: Int
  /// `true` iff the projection has a bias.
  var bias = true
  /// How the projection is stored.
  var layout = Layout.convolution
  /// The name of the projection.
  var name = "patch_embed.proj"
  /// What is done to the pixels first; `nil`: nothing.
  var conditioner: PixelConditioner?

  /// How the projection of a patch is stored.
  enum Layout: Hashable, Sendable {
    /// As a convolution: `[D, channels, rows, columns]`.
    case convolution
    /// As a linear layer over the rows, the columns and, last, the channels of a patch.
    case channelsLast
    /// As a linear layer over the channels, the rows and, last, the columns of a patch.
    case channelsFirst
  }

  func append(_ image: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var (source, op) = (image, Op.patchEmbed(PatchEmbed()))
    var channels = builder.type(image).shape[0]
    if let backbone {
      let map = try backbone.append(image, prefix: Self.backbonePrefix, to: &builder)
      (source, op) = (map.value, .conv2d(Conv2d(width: map.width, stride: patch)))
      channels = backbone.outputWidth
    }
    var weight = try weight(channels, &builder)
    var shift: Value? = bias ? try builder.weight("\(name).bias", [dim]) : nil
    if let conditioner {
      (weight, shift) = try conditioner.fold(into: weight, shift, &builder)
    }
    return try builder.append(
      op, [source, weight] + (shift.map { [$0] } ?? []), name: "patch_embed")
  }

  /// The weight as that of a convolution.
  private func weight(
    _ channels: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let shape = [dim, channels, patch, patch]
    switch layout {
    case .convolution: return try builder.weight("\(name).weight", shape)
    case .channelsLast: return try linearWeight("\(name).weight", channels, &builder)
    case .channelsFirst:
      let stored = try builder.weight("\(name).weight", [dim, channels * patch * patch])
      return try builder.append(
        .reshape(Reshape(shape)), [stored], name: "\(name).weight.patches")
    }
  }

  /// The weight of the linear layer as that of a convolution: channels before rows and columns.
  private func linearWeight(
    _ name: String, _ channels: Int, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let area = patch * patch
    let stored = try builder.weight(name, [dim, area * channels])
    let pixels = try builder.append(
      .reshape(Reshape([dim * area, channels])), [stored], name: "\(name).pixels")
    var planes: [Value] = []
    for channel in 0..<channels {
      let plane = try builder.append(
        .slice(Slice(axis: 1, start: channel, count: 1)), [pixels], name: "\(name).\(channel)")
      planes.append(
        try builder.append(
          .reshape(Reshape([dim, area])), [plane], name: "\(name).\(channel).plane"))
    }
    let joined =
      channels == 1
      ? planes[0]
      : try builder.append(
        .concatenate(Concatenate(axis: 1)), planes, name: "\(name).planes")
    return try builder.append(
      .reshape(Reshape([dim, channels, patch, patch])), [joined], name: "\(name).patches")
  }
}
