import IR

extension Tile {
  /// Emits the epilogue and the stores.
  ///
  /// An activation's polynomial wants many registers for its constants, while the sums still fill
  /// most of them. So the sums go to C first, scaled and biased, and a loop over the rows, small
  /// enough to keep the constants, finishes them there. A residual may lie where C does: with both,
  /// which no model has, everything is done at once. Where C is bf16, the sums wait on the stack.
  func finishFloats(_ b: Builder, _ sums: [Value], _ p: Arguments<Parameter>) {
    let (lanes, vectors) = (b.target.lanes, vectors(b.target))
    guard epilogue.activation != nil, !epilogue.hasResidual else {
      let finish = floatRow(b, p)
      for row in 0..<rows { finish(b.constant(row)) { sums[row * vectors + $0] } }
      return
    }
    let (c, bias, scales) = (p[.c], p[.bias], p[.scales])
    let counts = (0..<vectors).map { min(lanes, columns - $0 * lanes) }
    let biases = (0..<vectors).map {
      epilogue.hasBias
        ? b.loadFloats(b.offset(bias, bytes: $0 * lanes * 4), lanes, count: counts[$0])
        : b.floats(0, lanes)
    }
    let size = epilogue.result.sizeBytes
    let format = epilogue.result.storedFormat
    let waits = epilogue.result != .f32
    let waiting =
      waits ? b.stackMemory(bytes: rows * vectors * lanes * 4, alignment: 64) : c
    for row in 0..<rows {
      let scale =
        epilogue.scalesRows
        ? b.splat(b.load(b.f32, b.offset(scales, bytes: row * 4)), lanes) : b.floats(1, lanes)
      for vector in 0..<vectors {
        var value = sums[row * vectors + vector]
        switch (epilogue.scalesRows, epilogue.hasBias) {
        case (true, true): value = b.multiplyAdd(value, scale, biases[vector])
        case (true, false): value = b.multiplyFloat(value, scale)
        case (false, true): value = b.addFloat(value, biases[vector])
        case (false, false): break
        }
        if waits {
          let place = b.offset(waiting, bytes: (row * vectors + vector) * lanes * 4)
          b.store(value, place, alignment: lanes * 4)
        } else {
          b.storeElements(
            epilogue.result, value, b.offset(c, bytes: (row * cStride + vector * lanes) * size),
            count: counts[vector])
        }
      }
    }
    b.forLoop(from: b.constant(0), to: b.constant(rows)) { row, _ in
      let line = b.offset(c, b.multiply(row, b.constant(cStride * size)))
      let waitingLine =
        waits ? b.offset(waiting, b.multiply(row, b.constant(vectors * lanes * 4))) : line
      for vector in 0..<vectors {
        let value = b.loadFloats(
          b.offset(waitingLine, bytes: vector * lanes * 4), lanes,
          count: waits ? lanes : counts[vector])
        b.storeElements(
          epilogue.result, format.activate(b, epilogue.activation, value),
          b.offset(line, bytes: vector * lanes * size), count: counts[vector])
      }
      return []
    }
  }
}
