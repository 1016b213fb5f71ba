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

  func append(_ image: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var (source, op) = (image, Op.patchEmbed(PatchEmbed()))
    var channels = builder.type(image).shape[0]
    if let backbone {
      let map = try backbone.append(image, prefix: Self.backbonePrefix, to: &builder)
      (source, op) = (map.value, .conv2d(Conv2d(width: map.width, stride: patch)))
      channels = backbone.outputWidth
    }
    let name = "patch_embed.proj"
    var operands = [source, try builder.weight("\(name).weight", [dim, channels, patch, patch])]
    if bias { operands.append(try builder.weight("\(name).bias", [dim])) }
    return try builder.append(op, operands, name: "patch_embed")
  }
}
