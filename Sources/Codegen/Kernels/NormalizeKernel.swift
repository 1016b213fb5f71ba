import IR

/// Rows of channels, scaled and shifted: what a group norm does once its factors are known.
///
/// Four rows at a time share the loads of the factors.
struct NormalizeRows: Hashable {
  var channels: Int
  /// Elements from one row to the next; of the result, words of 32 bits.
  var xStride: Int
  var outputStride: Int
  /// Elements from the scales to the shifts; `nil`: the rows are copied as they are.
  var factorsStride: Int?
  /// Elements from one row of a second tensor that is added to the next; `nil`: there is none.
  var residualStride: Int?
  /// The same of its own factors.
  var residualFactorsStride: Int?
  /// Applied last.
  var activation: ActivationFunction?
  /// The type of the result: f32 or bf16.
  var result = ElementType.f32

  /// Says all that the function depends on.
  var name: String {
    func word(_ name: String, _ value: Int?) -> String { value.map { "_\(name)\($0)" } ?? "" }
    return "normalize_\(result.rawValue)_\(channels)_strides\(xStride)_\(outputStride)"
      + word("factors", factorsStride) + word("residual", residualStride)
      + word("factors", residualFactorsStride) + (activation.map { "_\($0.rawValue)" } ?? "")
  }

  /// Returns the function `(x, factors, residual, residualFactors, output, count) -> void`.
  func function(_ b: Builder) -> Function {
    b.define(name, Array(repeating: b.pointer, count: 5) + [b.i64]) { arguments in
      let rows = 4
      let groups = b.divide(arguments[5], b.constant(rows))
      b.forLoop(from: b.constant(0), to: groups) { group, _ in
        emit(b, arguments, b.multiply(group, b.constant(rows)), rows: rows)
        return []
      }
      b.forLoop(from: b.multiply(groups, b.constant(rows)), to: arguments[5]) { row, _ in
        emit(b, arguments, row, rows: 1)
        return []
      }
    }
  }

  /// Emits `rows` rows from `first` on.
  private func emit(_ b: Builder, _ arguments: [Value], _ first: Value, rows: Int) {
    let lanes = b.target.lanes
    func line(_ base: Value, _ stride: Int) -> Value {
      b.element(base, b.multiply(first, b.constant(stride)))
    }
    let (x, output) = (line(arguments[0], xStride), line(arguments[4], outputStride))
    let residual = residualStride.map { line(arguments[2], $0) }
    let full = channels / lanes
    func vector(_ bytes: Value, _ count: Int) {
      func load(_ base: Value, _ elements: Int) -> Value {
        b.loadFloats(b.offset(b.offset(base, bytes), bytes: elements * 4), lanes, count: count)
      }
      func pair(_ base: Value, _ stride: Int?) -> (Value, Value)? {
        stride.map { (load(base, 0), load(base, $0)) }
      }
      let factors = pair(arguments[1], factorsStride)
      let residualFactors = pair(arguments[3], residualFactorsStride)
      for row in 0..<rows {
        var y = load(x, row * xStride)
        if let (scale, shift) = factors { y = b.multiplyAdd(y, scale, shift) }
        if let residual, let residualStride {
          var r = load(residual, row * residualStride)
          if let (scale, shift) = residualFactors { r = b.multiplyAdd(r, scale, shift) }
          y = b.addFloat(y, r)
        }
        let place = result == .f32 ? bytes : b.divide(bytes, b.constant(2))
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
struct NormalizeKernel: Hashable {
  var rows: Int
  var work: NormalizeRows

  /// Returns the function `(x, factors, residual, residualFactors, output, task, count) -> void`.
  func function(_ b: Builder) -> Function {
    let inner = work.function(b)
    return b.define(
      "\(work.name)_all\(rows)", Array(repeating: b.pointer, count: 5) + [b.i64, b.i64]
    ) { arguments in
      let (first, end) = b.share(of: b.constant(rows), arguments[5], of: arguments[6])
      func from(_ base: Value, _ stride: Int?) -> Value {
        stride.map { b.element(base, b.multiply(first, b.constant($0))) } ?? base
      }
      b.call(
        inner,
        [
          from(arguments[0], work.xStride), arguments[1],
          from(arguments[2], work.residualStride), arguments[3],
          from(arguments[4], work.outputStride), b.subtract(end, first),
        ])
    }
  }
}
