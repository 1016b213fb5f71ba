import IR

extension Tile {
  /// Emits the epilogue of sums of integers: `activation(s f0 sum + o f1 + f2) + residual`, `s` and
  /// `o` being the row's scale and offset, `f` the column's numbers.
  ///
  /// With an activation the sums go to the stack first: the columns' numbers then stay in registers
  /// over a loop of the rows, and so do the activation's constants.
  func finishIntegers(_ b: Builder, _ sums: [Value], _ p: Arguments<Parameter>) {
    let (lanes, vectors) = (b.target.lanes, vectors(b.target))
    guard epilogue.activation != nil else {
      let finish = integerRow(b, p)
      for row in 0..<rows { finish(b.constant(row)) { sums[row * vectors + $0] } }
      return
    }
    let waiting = b.stackMemory(bytes: rows * vectors * lanes * 4, alignment: 64)
    for (index, sum) in sums.enumerated() {
      b.store(sum, b.offset(waiting, bytes: index * lanes * 4), alignment: lanes * 4)
    }
    finishRows(b, b.constant(rows), of: waiting, strideBytes: vectors * lanes * 4, p)
  }

  /// The epilogue of a row of sums of integers.
  func integerRow(_ b: Builder, _ p: Arguments<Parameter>) -> FinishedRow {
    let (lanes, vectors) = (b.target.lanes, vectors(b.target))
    let counts = (0..<vectors).map { min(lanes, columns - $0 * lanes) }
    let ofColumns = (0..<3).map { kind in
      (0..<vectors).map { vector in
        b.loadFloats(
          b.offset(p[.bias], bytes: (kind * channelStride + vector * lanes) * 4), lanes,
          count: counts[vector])
      }
    }
    let corrections = (0..<vectors).map {
      S8Format.correction(b, scale: ofColumns[0][$0], scaledSum: ofColumns[1][$0])
    }
    let size = epilogue.result.sizeBytes
    let format = epilogue.result.storedFormat
    return { row, sum in
      let line = b.offset(p[.c], b.multiply(row, b.constant(cStride * size)))
      let residualLine = b.element(p[.residual], b.multiply(row, b.constant(residualStride)))
      let own = b.offset(p[.scales], b.multiply(row, b.constant(8)))
      let scale = b.splat(b.load(b.f32, own), lanes)
      let offset = b.splat(b.load(b.f32, b.offset(own, bytes: 4)), lanes)
      for vector in 0..<vectors {
        let whole = corrections[vector].map { b.wrappingAdd(sum(vector), $0) } ?? sum(vector)
        let product = b.multiplyFloat(b.asFloats(whole), ofColumns[0][vector])
        let shift = b.multiplyAdd(offset, ofColumns[1][vector], ofColumns[2][vector])
        var value = format.activate(
          b, epilogue.activation, b.multiplyAdd(scale, product, shift))
        if epilogue.hasResidual {
          let address = b.offset(residualLine, bytes: vector * lanes * 4)
          value = b.addFloat(value, b.loadFloats(address, lanes, count: counts[vector]))
        }
        b.storeElements(
          epilogue.result, value, b.offset(line, bytes: vector * lanes * size),
          count: counts[vector])
      }
    }
  }
}
