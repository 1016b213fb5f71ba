import Diagnostics
import IR

/// A linear layer that makes logits; it has as many rows as there are classes.
struct Head: Hashable, Sendable {
  /// Its canonical name.
  var name: String
  /// The width of what it reads.
  var inputs: Int
  /// `true` iff it has a bias.
  var hasBias = true
  /// `true` iff it is stored as a convolution of one pixel, as timm does for ResNets.
  var isConvolution = false

  /// The stored weight of a head of this many classes.
  func weight(classes: Int) -> TensorSpecification {
    TensorSpecification(
      name: "\(name).weight", shape: [classes, inputs] + (isConvolution ? [1, 1] : []))
  }

  /// The stored bias of a head of this many classes.
  func bias(classes: Int) -> TensorSpecification {
    TensorSpecification(name: "\(name).bias", shape: [classes])
  }

  func append(
    _ row: Value, classes: Int, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let stored = weight(classes: classes)
    var matrix = try builder.weight(stored.name, stored.type.shape)
    if isConvolution {
      matrix = try builder.append(
        .reshape(Reshape([classes, inputs])), [matrix], name: "\(stored.name).rows")
    }
    var operands = [row, matrix]
    if hasBias {
      let bias = bias(classes: classes)
      operands.append(try builder.weight(bias.name, bias.type.shape))
    }
    return try builder.append(.linear(Linear()), operands, name: name)
  }
}
