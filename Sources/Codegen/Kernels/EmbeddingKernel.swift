/// Rows of a table, one for each token: `output[t] = table[ids[t]]`.
///
/// A token beyond the table counts as its nearest row, so nothing is read outside; who calls a
/// model is refused before (`vit_rt_run`). Tasks share the rows. Cost: one pass over the result.
struct EmbeddingKernel: StepKernel {
  enum Parameter: StepParameter {
    /// Of floats; the tokens, 32 bits each.
    case table, ids
    case output, task, count
  }

  /// The number of tokens.
  var rows: Int
  /// The rows of the table.
  var vocabulary: Int
  var columns: Int
  /// Elements from one row to the next.
  var tableStride: Int
  var outputStride: Int

  var title: String { "embedding_\(rows)x\(columns)_of_\(vocabulary)" }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    b.forLoop(from: first, to: end) { row, _ in
      let id = b.signExtend(b.load(b.i32, b.element(p[.ids], row)))
      let inside = b.minimum(b.maximum(id, b.constant(0)), b.constant(vocabulary - 1))
      let from = b.element(p[.table], b.multiply(inside, b.constant(tableStride)))
      let to = b.element(p[.output], b.multiply(row, b.constant(outputStride)))
      b.visitRow(columns: columns) { bytes, count in
        b.storeFloats(
          b.loadFloats(b.offset(from, bytes), lanes, count: count), b.offset(to, bytes),
          count: count)
      }
      return []
    }
  }
}
