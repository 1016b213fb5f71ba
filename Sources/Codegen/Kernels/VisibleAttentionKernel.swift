/// An attention that returns rows of its weights as well: the same result, to the bit.
///
/// Weights are stored from the tile that they are computed in where it holds all tokens; beyond
/// that (more than 2048) they are computed again (``AttentionWeights``).
struct VisibleAttentionKernel: StepKernel {
  enum Parameter: StepParameter {
    case q, k, v
    /// What is added to the scores.
    case scores
    case output, weights, scratch, task, count
  }

  var attention: AttentionKernel
  /// Which rows of the weights.
  var weights: WeightRows

  var title: String { "visible_\(attention.title)" }

  func division(on target: Target) -> Division {
    let division = attention.division(on: target)
    guard !attention.keepsPowers else { return division }
    let again = Division(attention.heads * weights.count)
    return again.mostTasks > division.mostTasks ? again : division
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let operands: Arguments<AttentionKernel.Parameter> = [
      .q: p[.q], .k: p[.k], .v: p[.v], .output: p[.output], .scratch: p[.scratch],
      .task: p[.task], .count: p[.count], .scores: p[.scores], .rowScores: p[.scores],
      .columnScores: p[.scores], .pieces: b.null, .spare: b.constant(0),
    ]
    if attention.keepsPowers {
      return attention.emit(
        b, operands, storing: .init(rows: weights, address: p[.weights]))
    }
    b.call(attention, operands)
    let again = AttentionWeights(
      queries: attention.queries, tokens: attention.tokens, heads: attention.heads,
      headDim: attention.headDim, qStride: attention.qStride, kStride: attention.kStride,
      weights: weights, scale: attention.scale, base2: attention.base2,
      addedStride: attention.addition.stride(tokens: attention.tokens))
    b.call(
      again,
      [
        .q: p[.q], .k: p[.k], .weights: p[.weights], .task: p[.task], .count: p[.count],
        .scores: p[.scores],
      ])
  }
}
