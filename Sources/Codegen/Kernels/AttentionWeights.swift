/// Rows of the weights of an attention: `softmax(scale * Q K^T)` of each head, as a tensor
/// `[heads, rows, tokens]`.
///
/// Dot products of one query at a time, then the softmax of its row in place; tasks share the pairs
/// of a head and a query. It reads the keys from memory for each query, so it takes some times as
/// long as the products of the attention itself; it is for attentions of more tokens than a tile of
/// scores holds.
struct AttentionWeights: Kernel {
  enum Parameter: StepParameter {
    case q, k
    /// What is added to the scores.
    case scores
    case weights, task, count
  }

  /// The queries that there are.
  var queries: Int
  var tokens: Int
  var heads: Int
  var headDim: Int
  /// Elements from one row to the next.
  var qStride: Int
  var kStride: Int
  /// Which rows.
  var weights: WeightRows
  /// Multiplies the scores.
  var scale: Float = 1
  /// `true` iff the softmax is to base 2.
  var base2 = false
  /// Elements from one row to the next of what is added to the scores, if something is.
  var addedStride: Int?

  var title: String { "attention_weights_\(weights.count)x\(tokens)_\(heads)x\(headDim)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    // A power of 2 is one of e: 2^x = e^(x ln 2).
    let factor = base2 ? scale * 0.6931471805599453 : scale
    let rows = b.constant(weights.count)
    let (first, end) = b.share(of: b.constant(heads * weights.count), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { index, _ in
      let head = b.divide(index, rows)
      let row = b.add(b.remainder(index, rows), b.constant(weights.first))
      let bytes = b.multiply(head, b.constant(headDim * 4))
      let query = b.multiply(row, b.constant(qStride))
      let line = b.element(p[.weights], b.multiply(index, b.constant(weights.stride)))
      b.dotProducts(
        b.offset(b.element(p[.q], query), bytes), b.offset(p[.k], bytes), rightStride: kStride,
        to: line, columns: tokens, depth: headDim)
      b.visitRow(columns: tokens) { bytes, count in
        let address = b.offset(line, bytes)
        let scores = b.loadFloats(address, lanes, count: count)
        var exponents = b.multiplyFloat(scores, b.floats(factor, lanes))
        if let addedStride {
          let place = b.add(b.multiply(head, b.constant(queries)), row)
          let added = b.element(p[.scores], b.multiply(place, b.constant(addedStride)))
          exponents = b.multiplyAdd(
            b.loadFloats(b.offset(added, bytes), lanes, count: count),
            b.floats(base2 ? 0.6931471805599453 : 1, lanes), exponents)
        }
        b.storeFloats(exponents, address, count: count)
      }
      b.call(SoftmaxRow(columns: tokens), [.x: line, .y: line])
      return []
    }
  }
}
