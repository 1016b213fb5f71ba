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
      let projected = try projection(name, part, index, x, &builder)
      parts.append(
        try builder.append(
          .splitHeads(SplitHeads(heads: heads)), [projected], name: "\(name).\(part).heads"))
    }
    var scores = try builder.append(
      .matMul(MatMul(transposed: true)), [parts[0], parts[1]], name: "\(name).scores")
    let scale = Float(1 / Double(dim / heads).squareRoot())
    scores = try builder.append(.scale(Scale(scale)), [scores], name: "\(name).scaled")
    let weights = try builder.append(.softmax(Softmax()), [scores], name: "\(name).softmax")
    let mixed = try builder.append(
      .matMul(MatMul()), [weights, parts[2]], name: "\(name).mixed")
    let merged = try builder.append(.mergeHeads(MergeHeads()), [mixed], name: "\(name).merged")
    return try builder.linear("\(name).proj", merged, dim)
  }

  /// The query, key or value projection, cut out of the common tensor where there is one.
  private func projection(
    _ name: String, _ part: String, _ index: Int, _ x: Value, _ builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value {
    let dim = builder.type(x).shape[1]
    guard builder.fusesQKV else {
      return try builder.linear("\(name).\(part)", x, dim, bias: bias)
    }
    var operands = [x]
    var kinds: [(suffix: String, shape: [Int])] = [("weight", [3 * dim, dim])]
    if bias { kinds.append(("bias", [3 * dim])) }
    for (suffix, shape) in kinds {
      let whole = try builder.weight("\(name).qkv.\(suffix)", shape)
      operands.append(
        try builder.rows(
          whole, from: index * dim, count: dim, name: "\(name).\(part).\(suffix)"))
    }
    return try builder.append(.linear(Linear()), operands, name: "\(name).\(part)")
  }
}
