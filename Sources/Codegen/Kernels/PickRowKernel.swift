/// The row of one token: the first that is `token`, or row 0 where there is none; without `token`
/// the first of the largest number.
///
/// One task does it: it reads the tokens and copies a row.
struct PickRowKernel: StepKernel {
  enum Parameter: StepParameter {
    /// Of floats; the tokens, 32 bits each.
    case x, ids
    case output, task, count
  }

  /// The number of tokens.
  var rows: Int
  var columns: Int
  /// The token; `nil`: the largest.
  var token: Int?
  /// Elements from one row to the next.
  var xStride: Int

  var title: String { "pick_row_\(rows)x\(columns)" }

  func division(on target: Target) -> Division {
    Division(1)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let (first, end) = b.share(of: b.constant(1), p[.task], of: p[.count])
    b.ifThen(b.less(first, end)) {
      let row = place(b, p[.ids])
      let from = b.element(p[.x], b.multiply(row, b.constant(xStride)))
      b.visitRow(columns: columns) { bytes, count in
        b.storeFloats(
          b.loadFloats(b.offset(from, bytes), lanes, count: count), b.offset(p[.output], bytes),
          count: count)
      }
    }
  }

  /// Emits the number of the row, from the last token to the first: the first one wins.
  private func place(_ b: Builder, _ ids: Value) -> Value {
    func id(_ index: Value) -> Value { b.load(b.i32, b.element(ids, index)) }
    let last = b.constant(rows - 1)
    let start = token == nil ? [last, b.signExtend(id(last))] : [b.constant(0), b.constant(0)]
    return b.forLoop(from: b.constant(0), to: b.constant(rows), carrying: start) { step, carried in
      let index = b.subtract(last, step)
      let found = b.signExtend(id(index))
      let wins =
        token.map { b.equal(found, b.constant($0)) } ?? b.not(b.less(found, carried[1]))
      return [b.select(wins, index, carried[0]), b.select(wins, found, carried[1])]
    }[0]
  }
}
