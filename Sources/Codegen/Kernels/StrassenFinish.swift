import IR

/// The epilogue of ``StrassenKernel``: a quarter of the sums of one pair of panels becomes a part
/// of the result.
struct StrassenFinish: Hashable {
  /// Elements from one row to the next.
  var cStride: Int
  var residualStride: Int
  /// `true` iff each row is multiplied by its scale.
  var scalesRows: Bool
  var hasBias: Bool
  var activation: ActivationFunction?
  var hasResidual: Bool

  /// The words that stand for it in the name of a function.
  var words: String {
    Epilogue(
      scalesRows: scalesRows, hasBias: hasBias, activation: activation, hasResidual: hasResidual
    ).words
  }

  /// Returns the function `(sums, C, bias, residual, scales, rows) -> void`: rows of sums are a
  /// panel's width apart, scales those of ``StrassenFactors``.
  func function(_ b: Builder) -> Function {
    b.define(
      "strassen_finish_f32_strides\(cStride)_\(residualStride)" + words,
      Array(repeating: b.pointer, count: 5) + [b.i64]
    ) { arguments in
      let lanes = b.target.lanes
      let columns = stride(from: 0, to: Tile.panelWidth, by: lanes)
      let biases = columns.map {
        hasBias ? b.load(b.floats(lanes), b.offset(arguments[2], bytes: $0 * 4)) : nil
      }
      b.forLoop(from: b.constant(0), to: arguments[5]) { row, _ in
        func line(_ base: Value, _ stride: Int) -> Value {
          b.element(base, b.multiply(row, b.constant(stride)))
        }
        let scale =
          scalesRows
          ? b.splat(b.load(b.f32, line(arguments[4], StrassenFactors.stride)), lanes) : nil
        for (column, bias) in zip(columns, biases) {
          func load(_ base: Value, _ stride: Int) -> Value {
            b.load(b.floats(lanes), b.offset(line(base, stride), bytes: column * 4))
          }
          var value = load(arguments[0], Tile.panelWidth)
          switch (scale, bias) {
          case (let scale?, let bias?): value = b.multiplyAdd(value, scale, bias)
          case (let scale?, nil): value = b.multiplyFloat(value, scale)
          case (nil, let bias?): value = b.addFloat(value, bias)
          case (nil, nil): break
          }
          value = b.activate(activation, value)
          if hasResidual { value = b.addFloat(value, load(arguments[3], residualStride)) }
          b.store(value, b.offset(line(arguments[1], cStride), bytes: column * 4))
        }
        return []
      }
    }
  }
}
