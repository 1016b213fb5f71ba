/// The weights of an attention, for whoever wants to see them: `softmax(scale * Q K^T)` of each
/// head, as a tensor `[heads, queries, tokens]`.
///
/// Dot products of one query at a time, then the softmax of its row in place; tasks share the pairs
/// of a head and a query. It reads the keys from memory for each query, so it takes some times as
/// long as the products of the attention itself, and is not for every layer of a model.
struct AttentionWeights: Kernel {
  enum Parameter: StepParameter {
    case q, k
    /// What is added to the scores.
    case scores
    case weights, task, count
  }

  var queries: Int
  var tokens: Int
  var heads: Int
  var headDim: Int
  /// Elements from one row to the next.
  var qStride: Int
  var kStride: Int
  var weightsStride: Int
  /// Multiplies the scores.
  var scale: Float = 1
  /// `true` iff the softmax is to base 2.
  var base2 = false
  /// Elements from one row to the next of what is added to the scores, if something is.
  var addedStride: Int?

  var title: String { "attention_weights_\(queries)x\(tokens)_\(heads)x\(headDim)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    // A power of 2 is one of e: 2^x = e^(x ln 2).
    let factor = base2 ? scale * 0.6931471805599453 : scale
    let (first, end) = b.share(of: b.constant(heads * queries), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { index, _ in
      let bytes = b.multiply(
        b.divide(index, b.constant(queries)), b.constant(headDim * 4))
      let query = b.multiply(b.remainder(index, b.constant(queries)), b.constant(qStride))
      let row = b.element(p[.weights], b.multiply(index, b.constant(weightsStride)))
      b.dotProducts(
        b.offset(b.element(p[.q], query), bytes), b.offset(p[.k], bytes), rightStride: kStride,
        to: row, columns: tokens, depth: headDim)
      b.visitRow(columns: tokens) { bytes, count in
        let address = b.offset(row, bytes)
        let scores = b.loadFloats(address, lanes, count: count)
        var exponents = b.multiplyFloat(scores, b.floats(factor, lanes))
        if let addedStride {
          let added = b.element(p[.scores], b.multiply(index, b.constant(addedStride)))
          exponents = b.multiplyAdd(
            b.loadFloats(b.offset(added, bytes), lanes, count: count),
            b.floats(base2 ? 0.6931471805599453 : 1, lanes), exponents)
        }
        b.storeFloats(exponents, address, count: count)
      }
      b.call(SoftmaxRow(columns: tokens), [.x: row, .y: row])
      return []
    }
  }
}

/// An attention that returns its weights as well: the same result, to the bit, and then the
/// weights, which wait for nothing that other tasks do.
struct VisibleAttentionKernel: StepKernel {
  enum Parameter: StepParameter {
    case q, k, v
    /// What is added to the scores.
    case scores
    case output, weights, scratch, task, count
  }

  var attention: AttentionKernel
  /// Elements from one row of the weights to the next.
  var weightsStride: Int

  var title: String { "visible_\(attention.title)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    b.call(
      attention,
      [
        .q: p[.q], .k: p[.k], .v: p[.v], .output: p[.output], .scratch: p[.scratch],
        .task: p[.task], .count: p[.count], .scores: p[.scores], .rowScores: p[.scores],
        .columnScores: p[.scores],
      ])
    let weights = AttentionWeights(
      queries: attention.queries, tokens: attention.tokens, heads: attention.heads,
      headDim: attention.headDim, qStride: attention.qStride, kStride: attention.kStride,
      weightsStride: weightsStride, scale: attention.scale, base2: attention.base2,
      addedStride: attention.addition.stride(tokens: attention.tokens))
    b.call(
      weights,
      [
        .q: p[.q], .k: p[.k], .weights: p[.weights], .task: p[.task], .count: p[.count],
        .scores: p[.scores],
      ])
  }
}
