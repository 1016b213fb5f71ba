import IR

/// Rows of channels, scaled and shifted: what a group norm does once they are known.
///
/// Four rows at a time share the loads of scales and shifts.
struct NormalizeRows: Kernel {
  enum Parameter: KernelParameter {
    case x, scaleShift, residual, residualScaleShift, output, rows
    var type: ParameterType { self == .rows ? .index : .address }
  }

  var channels: Int
  /// Elements from one row to the next; of the result, groups of 32 bits.
  var xStride: Int
  var outputStride: Int
  /// Elements from the scales to the shifts; `nil`: the rows are copied as they are.
  var scaleShiftStride: Int?
  /// Elements from one row of a second tensor that is added to the next; `nil`: there is none.
  var residualStride: Int?
  /// The same of its own scales and shifts.
  var residualScaleShiftStride: Int?
  /// Applied last.
  var activation: ActivationFunction?
  /// The type of the result: f32 or bf16.
  var result = ElementType.f32

  var title: String { "normalize_rows_\(channels)_\(result.rawValue)" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let rows = 4
    let groups = b.divide(p[.rows], b.constant(rows))
    b.forLoop(from: b.constant(0), to: groups) { group, _ in
      emit(b, p, b.multiply(group, b.constant(rows)), rows: rows)
      return []
    }
    b.forLoop(from: b.multiply(groups, b.constant(rows)), to: p[.rows]) { row, _ in
      emit(b, p, row, rows: 1)
      return []
    }
  }

  /// Emits `rows` rows from `first` on.
  private func emit(_ b: Builder, _ p: Arguments<Parameter>, _ first: Value, rows: Int) {
    let lanes = b.target.lanes
    func line(_ base: Value, _ stride: Int) -> Value {
      b.element(base, b.multiply(first, b.constant(stride)))
    }
    let (x, output) = (line(p[.x], xStride), line(p[.output], outputStride))
    let residual = residualStride.map { line(p[.residual], $0) }
    let full = channels / lanes
    func vector(_ bytes: Value, _ count: Int) {
      func load(_ base: Value, _ elements: Int) -> Value {
        b.loadFloats(b.offset(b.offset(base, bytes), bytes: elements * 4), lanes, count: count)
      }
      func pair(_ base: Value, _ stride: Int?) -> (Value, Value)? {
        stride.map { (load(base, 0), load(base, $0)) }
      }
      let scaleShift = pair(p[.scaleShift], scaleShiftStride)
      let residualScaleShift = pair(p[.residualScaleShift], residualScaleShiftStride)
      for row in 0..<rows {
        var y = load(x, row * xStride)
        if let (scale, shift) = scaleShift { y = b.multiplyAdd(y, scale, shift) }
        if let residual, let residualStride {
          var r = load(residual, row * residualStride)
          if let (scale, shift) = residualScaleShift { r = b.multiplyAdd(r, scale, shift) }
          y = b.addFloat(y, r)
        }
        let place = result == .f32 ? bytes : b.divide(bytes, b.constant(result.perGroup))
        b.storeElements(
          result, b.activate(activation, y),
          b.offset(b.offset(output, place), bytes: row * outputStride * 4), count: count)
      }
    }
    b.forLoop(from: b.constant(0), to: b.constant(full)) { index, _ in
      vector(b.multiply(index, b.constant(lanes * 4)), lanes)
      return []
    }
    if channels % lanes > 0 { vector(b.constant(full * lanes * 4), channels % lanes) }
  }
}

/// The operation `normalize`: tasks share the rows.
struct NormalizeKernel: StepKernel {
  enum Parameter: StepParameter {
    case x, scaleShift, residual, residualScaleShift, output, task, count
  }

  var rows: Int
  var work: NormalizeRows

  var title: String { "normalize_\(rows)x\(work.channels)" }

  func division(on target: Target) -> Division {
    Division(rows)
  }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let (first, end) = b.share(of: b.constant(rows), p[.task], of: p[.count])
    func from(_ base: Value, _ stride: Int?) -> Value {
      stride.map { b.element(base, b.multiply(first, b.constant($0))) } ?? base
    }
    b.call(
      work,
      [
        .x: from(p[.x], work.xStride), .scaleShift: p[.scaleShift],
        .residual: from(p[.residual], work.residualStride),
        .residualScaleShift: p[.residualScaleShift],
        .output: from(p[.output], work.outputStride), .rows: b.subtract(end, first),
      ])
  }
}
