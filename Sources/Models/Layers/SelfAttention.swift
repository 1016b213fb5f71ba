import Diagnostics
import IR

/// Multi-head attention of all tokens to all tokens, and the projection of what it gives.
///
/// What a family adds to it, such as positions in queries and keys, a bias of the scores or norms
/// of queries and keys, is a property here and a layer of its own.
struct SelfAttention: Hashable, Sendable {
  /// The number of heads.
  var heads: Int
  /// `true` iff q, k and v have biases.
  var bias = true

  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    var parts: [Value] = []
    for (index, part) in ["q", "k", "v"].enumerated() {
      let layer = "\(name).\(part)"
      parts.append(
        builder.fusesQKV
          ? try builder.linear(
            layer, x, dim, cutFrom: "\(name).qkv", part: index, of: 3, bias: bias)
          : try builder.linear(layer, x, dim, bias: bias))
    }
    let merged = try builder.attention(name, parts[0], parts[1], parts[2], heads: heads)
    return try builder.linear("\(name).proj", merged, dim)
  }
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
  /// this index of `count` equal ones.
  mutating func linear(
    _ name: String, _ x: Value, _ outputs: Int, cutFrom whole: String, part: Int, of count: Int,
    bias: Bool = true
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
    return try append(.linear(Linear()), operands, name: name)
  }
}
