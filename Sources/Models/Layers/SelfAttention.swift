import Diagnostics
import IR

/// Multi-head attention of all tokens to all tokens, and the projection of what it gives.
///
/// What a family adds to it, such as positions in queries and keys, a bias of the scores or norms
/// of queries and keys, is a property here and a layer of its own.
struct SelfAttention: Hashable, Sendable {
  /// The number of heads.
  var heads: Int
  /// Which of q, k and v have biases.
  var biases = AttentionBiases.all
  /// `true` iff the projection of what attention gives has a bias.
  var hasProjectionBias = true
  /// Whose names its tensors have.
  var timmClass = TimmClass.visionTransformer

  /// - Parameter rotation: the table of angles that queries and keys are turned by, if they are.
  func append(
    _ name: String, _ x: Value, rotation: Value? = nil, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    var parts: [Value] = []
    for index in 0..<3 { parts.append(try projection(name, index, x, &builder)) }
    if let rotation {
      for index in 0..<2 {
        parts[index] = try builder.append(
          .rope(Rope(heads: heads)), [parts[index], rotation],
          name: "\(name).\(["q", "k"][index]).turned")
      }
    }
    let merged = try builder.attention(name, parts[0], parts[1], parts[2], heads: heads)
    return try builder.linear("\(name).proj", merged, dim, bias: hasProjectionBias)
  }

  /// Queries, keys or values, by their index.
  private func projection(
    _ name: String, _ index: Int, _ x: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    let part = ["q", "k", "v"][index]
    let hasBias = biases.contains([.query, .key, .value][index])
    let layer = "\(name).\(part)"
    guard builder.fusesQKV else { return try builder.linear(layer, x, dim, bias: hasBias) }
    switch timmClass {
    case .visionTransformer:
      return try builder.linear(
        layer, x, dim, cutFrom: "\(name).qkv", part: index, of: 3, bias: hasBias)
    case .eva:
      let bias = hasBias ? try builder.weight("\(name).\(part)_bias", [dim]) : nil
      return try builder.linear(
        layer, x, dim, cutFrom: "\(name).qkv", part: index, of: 3, bias: false, separate: bias)
    }
  }
}

/// Which of queries, keys and values have biases.
struct AttentionBiases: OptionSet, Hashable, Sendable {
  var rawValue: Int

  static let query = AttentionBiases(rawValue: 1)
  static let key = AttentionBiases(rawValue: 2)
  static let value = AttentionBiases(rawValue: 4)
  static let all: AttentionBiases = [.query, .key, .value]
}

extension ModelBuilder {
  /// Multi-head scaled dot-product attention as the textbook has it: queries, keys and values,
  /// `[tokens, heads * headDim]`, cut into heads, which are put side by side again.
  mutating func attention(
    _ name: String, _ query: Value, _ key: Value, _ value: Value, heads: Int
  ) throws(Diagnostic) -> Value {
    var parts: [Value] = []
    for (part, projected) in [("q", query), ("k", key), ("v", value)] {
      parts.append(
        try append(
          .splitHeads(SplitHeads(heads: heads)), [projected], name: "\(name).\(part).heads"))
    }
    var scores = try append(
      .matMul(MatMul(transposed: true)), [parts[0], parts[1]], name: "\(name).scores")
    let scale = Float(1 / Double(type(query).shape[1] / heads).squareRoot())
    scores = try append(.scale(Scale(scale)), [scores], name: "\(name).scaled")
    let weights = try append(.softmax(Softmax()), [scores], name: "\(name).softmax")
    let mixed = try append(.matMul(MatMul()), [weights, parts[2]], name: "\(name).mixed")
    return try append(.mergeHeads(MergeHeads()), [mixed], name: "\(name).merged")
  }

  /// A linear layer whose weight and bias are a part of a common tensor's rows, as the part of
  /// this index of `count` equal ones; `separate`: a bias of its own.
  mutating func linear(
    _ name: String, _ x: Value, _ outputs: Int, cutFrom whole: String, part: Int, of count: Int,
    bias: Bool = true, separate: Value? = nil
  ) throws(Diagnostic) -> Value {
    var operands = [x]
    var kinds: [(suffix: String, shape: [Int])] = [
      ("weight", [count * outputs, type(x).shape[1]])
    ]
    if bias { kinds.append(("bias", [count * outputs])) }
    for (suffix, shape) in kinds {
      let tensor = try weight("\(whole).\(suffix)", shape)
      operands.append(
        try rows(tensor, from: part * outputs, count: outputs, name: "\(name).\(suffix)"))
    }
    if let separate { operands.append(separate) }
    return try append(.linear(Linear()), operands, name: name)
  }
}
