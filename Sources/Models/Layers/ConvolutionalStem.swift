import Diagnostics
import IR

/// Three convolutions whose windows lie side by side, instead of one patch embedding: between them
/// batch norms and GELUs, no norm after the last.
///
/// Source: timm's `ConvStem`, as MobileCLIP-B has it; Vasu et al. 2023, arXiv:2311.17049.
struct ConvolutionalStem: Hashable, Sendable {
  /// The sides of the windows; their product is what a patch covers.
  static let sides = [4, 2, 2]

  /// The width of a token.
  var dim: Int
  /// What is added to the variance in the batch norms.
  var epsilon = 1e-5

  /// The channels after each convolution.
  var widths: [Int] { [dim / 4, dim / 4, dim] }

  func append(_ image: Value, to builder: inout ModelBuilder) throws(Diagnostic) -> Value {
    var x = image
    var channels = builder.type(image).shape[0]
    var width = builder.type(image).shape[2]
    for (index, (side, outputs)) in zip(Self.sides, widths).enumerated() {
      let name = "\(PatchEmbedding.backbonePrefix)\(index)"
      let isLast = index == Self.sides.count - 1
      var operands = [
        x, try builder.weight("\(name).conv.weight", [outputs, channels, side, side]),
      ]
      if isLast { operands.append(try builder.weight("\(name).conv.bias", [outputs])) }
      x = try builder.append(
        .conv2d(Conv2d(width: index == 0 ? nil : width, stride: side)), operands,
        name: "\(name).conv")
      width /= side
      channels = outputs
      guard !isLast else { break }
      x = try builder.batchNorm("\(name).bn", x, epsilon: epsilon)
      x = try builder.activation(.gelu, x, name: "\(name).act")
    }
    return x
  }

  /// The multiply-adds for an image of this many pixels and channels.
  func multiplyAdds(pixels: Int, channels: Int) -> Int {
    var (sum, left, inputs) = (0, pixels, channels)
    for (side, outputs) in zip(Self.sides, widths) {
      sum += left * inputs * outputs
      left /= side * side
      inputs = outputs
    }
    return sum
  }
}
