import IR

/// Rows computed in the usual way, below their true maximum.
extension AttentionKernel {
  /// Powers and sums of some rows of queries, below the true maximum of each.
  struct ExactRows: Kernel {
    enum Parameter: KernelParameter {
      case q, added, scratch
      /// The number of the first row.
      case first

      var type: ParameterType { self == .first ? .index : .address }
    }

    var attention: AttentionKernel
    var rows: Int

    var title: String { "attention_exact_\(rows)x\(attention.tokens)" }

    func emit(_ b: Builder, _ p: Arguments<Parameter>) {
      let (q, scratch) = (p[.q], p[.scratch])
      attention.eachBlock(b) { index, tokens, isFirst in
        attention.scoreRows(b, rows, q, index, tokens: tokens, scratch)
        attention.softmaxRows(
          b, rows, p[.added], p[.first], index, tokens: tokens, isFirst: isFirst, scratch)
        attention.sumValues(b, rows, index, tokens: tokens, isFirst: isFirst, scratch)
      }
    }
  }

  /// Emits the softmax of a tile of rows and a block of tokens.
  func softmaxRows(
    _ b: Builder, _ rows: Int, _ added: Value, _ first: Value, _ index: Value, tokens: Int,
    isFirst: Bool, _ scratch: Value
  ) {
    var softmax = SoftmaxBlock(
      columns: tokens, exponents: SoftmaxExponents(scale: scale, base2: base2),
      sums: isFirst ? nil : headDim)
    let addedStride = addition.stride(tokens: self.tokens)
    // What has been added to is an exponent already.
    let isExponent = addedStride != nil || isCausal
    if isExponent { softmax.exponents = SoftmaxExponents(scale: 1, base2: true) }
    let stateBytes = SoftmaxBlock.stateBytes(b.target)
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      func line(_ offset: Int, bytes: Int) -> Value {
        b.offset(b.offset(scratch, bytes: offset), b.multiply(row, b.constant(bytes)))
      }
      let scores = line(scoresOffset(b.target), bytes: scoreStride * 4)
      let start = b.multiply(index, b.constant(block))
      if isExponent {
        let place = addedStride.map {
          b.element(added, b.add(b.multiply(row, b.constant($0)), start))
        }
        makeExponents(b, adding: place, scores, tokens)
      }
      let mask = CausalMask(
        visible: b.subtract(b.add(b.add(first, row), b.constant(1)), start))
      if isCausal { mask.hide(b, scores, columns: tokens, as: -.infinity) }
      b.call(
        softmax,
        [
          .row: scores,
          .state: line(statesOffset(b.target), bytes: stateBytes),
          .sums: line(sumsOffset(b.target), bytes: sumStride * 4),
        ])
      // A power of minus infinity is close to zero.
      if isCausal { mask.hide(b, scores, columns: tokens, as: 0) }
      if element != .f32 { roundRow(b, row, of: scratch, tokens) }
      return []
    }
  }

  /// Emits the exponents of a row of scores where they lie; `added`: with what is added to them.
  func makeExponents(_ b: Builder, adding added: Value?, _ row: Value, _ tokens: Int) {
    let lanes = b.target.lanes
    let softmax = SoftmaxExponents(scale: scale, base2: base2)
    b.visitRow(columns: tokens) { bytes, count in
      let score = b.loadFloats(b.offset(row, bytes), lanes, count: count)
      var exponent = softmax.exponents(b, score, count: lanes)
      if let added {
        exponent = softmax.adding(
          b, b.loadFloats(b.offset(added, bytes), lanes, count: count), to: exponent)
      }
      b.storeFloats(exponent, b.offset(row, bytes), count: count)
    }
  }

  /// Emits the rounding of a row of powers where it lies: what is written lies before what is still
  /// to be read, or, of widened ones, where it was read; a pair's second row goes to the place of
  /// its first, which has been read.
  private func roundRow(_ b: Builder, _ row: Value, of scratch: Value, _ tokens: Int) {
    let powers = b.offset(scratch, bytes: scoresOffset(b.target))
    let own = b.offset(powers, b.multiply(row, b.constant(scoreStride * 4)))
    let paired = b.offset(powers, PairedRow.place(b, row, stride: scoreStride))
    b.visitRow(columns: tokens) { bytes, count in
      let power = b.loadFloats(b.offset(own, bytes), b.target.lanes, count: count)
      let whole = format.groups(count) * perGroup
      switch arrangement(b.target) {
      case .stored:
        b.storeElements(
          element, power, b.offset(own, b.divide(bytes, b.constant(perGroup))), count: whole)
      case .widened: b.storeFloats(format.round(b, power), b.offset(own, bytes), count: whole)
      // Whole pairs of groups.
      case .paired:
        b.storeElements(element, power, b.offset(paired, bytes), count: b.target.lanes)
      }
    }
  }
}
