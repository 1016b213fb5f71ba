import IR

/// The epilogue of ``StrassenKernel``: a quarter of the sums of one pair of panels becomes a part
/// of the result.
struct StrassenFinish: Kernel {
  enum Parameter: KernelParameter {
    /// Rows of sums are a panel's width apart; the scales are those of ``StrassenScales``.
    case sums, c, bias, residual, scales, rows
    var type: ParameterType { self == .rows ? .index : .address }
  }

  /// Elements from one row to the next.
  var cStride: Int
  var residualStride: Int
  /// `true` iff each row is multiplied by its scale.
  var scalesRows: Bool
  var hasBias: Bool
  var activation: ActivationFunction?
  var hasResidual: Bool

  var title: String { "strassen_finish" }

  func emit(_ b: Builder, _ p: Arguments<Parameter>) {
    let lanes = b.target.lanes
    let columns = stride(from: 0, to: Tile.panelWidth, by: lanes)
    let biases = columns.map {
      hasBias ? b.load(b.floats(lanes), b.offset(p[.bias], bytes: $0 * 4)) : nil
    }
    b.forLoop(from: b.constant(0), to: p[.rows]) { row, _ in
      func line(_ base: Value, _ stride: Int) -> Value {
        b.element(base, b.multiply(row, b.constant(stride)))
      }
      let scale =
        scalesRows
        ? b.splat(b.load(b.f32, line(p[.scales], StrassenScales.stride)), lanes) : nil
      for (column, bias) in zip(columns, biases) {
        func load(_ base: Value, _ stride: Int) -> Value {
          b.load(b.floats(lanes), b.offset(line(base, stride), bytes: column * 4))
        }
        var value = load(p[.sums], Tile.panelWidth)
        switch (scale, bias) {
        case (let scale?, let bias?): value = b.multiplyAdd(value, scale, bias)
        case (let scale?, nil): value = b.multiplyFloat(value, scale)
        case (nil, let bias?): value = b.addFloat(value, bias)
        case (nil, nil): break
        }
        value = b.activate(activation, value)
        if hasResidual { value = b.addFloat(value, load(p[.residual], residualStride)) }
        b.store(value, b.offset(line(p[.c], cStride), bytes: column * 4))
      }
      return []
    }
  }
}
