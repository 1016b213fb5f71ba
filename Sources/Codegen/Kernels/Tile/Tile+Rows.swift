import IR

/// The epilogue of sums in memory, of as many rows as turn out when it runs.
extension Tile {
  /// Emits the epilogue of a row, given its number in the tile and a vector of its sums.
  typealias FinishedRow = (_ row: Value, _ sum: (_ vector: Int) -> Value) -> Void

  /// Emits the epilogue of `count` rows, whose sums are at `place`.
  ///
  /// The columns' numbers stay in registers over the loop, and so do the constants of an
  /// activation.
  func finishRows(
    _ b: Builder, _ count: Value, of place: Value, strideBytes: Int, _ p: Arguments<Parameter>
  ) {
    let isInteger = operandType.format.sumsIntegers
    let finish = isInteger ? integerRow(b, p) : floatRow(b, p)
    let (lanes, type) = (b.target.lanes, operandType.format.sumType(b))
    b.forLoop(from: b.constant(0), to: count) { row, _ in
      let line = b.offset(place, b.multiply(row, b.constant(strideBytes)))
      finish(row) {
        b.load(type, b.offset(line, bytes: $0 * lanes * 4), alignment: lanes * 4)
      }
      return []
    }
  }

  /// The epilogue of a row of sums of floats.
  func floatRow(_ b: Builder, _ p: Arguments<Parameter>) -> FinishedRow {
    let (lanes, vectors) = (b.target.lanes, vectors(b.target))
    let counts = (0..<vectors).map { min(lanes, columns - $0 * lanes) }
    let biases = counts.enumerated().map { vector, count in
      epilogue.hasBias
        ? b.loadFloats(b.offset(p[.bias], bytes: vector * lanes * 4), lanes, count: count) : nil
    }
    let size = epilogue.result.sizeBytes
    let format = epilogue.result.storedFormat
    return { row, sum in
      let line = b.offset(p[.c], b.multiply(row, b.constant(cStride * size)))
      let residualLine = b.element(p[.residual], b.multiply(row, b.constant(residualStride)))
      let scale =
        epilogue.scalesRows ? b.splat(b.load(b.f32, b.element(p[.scales], row)), lanes) : nil
      for (vector, count) in counts.enumerated() {
        var value = sum(vector)
        switch (scale, biases[vector]) {
        case (let scale?, let bias?): value = b.multiplyAdd(value, scale, bias)
        case (let scale?, nil): value = b.multiplyFloat(value, scale)
        case (nil, let bias?): value = b.addFloat(value, bias)
        case (nil, nil): break
        }
        if epilogue.hasResidual {
          let address = b.offset(residualLine, bytes: vector * lanes * 4)
          value = b.addFloat(
            b.activate(epilogue.activation, value), b.loadFloats(address, lanes, count: count))
        } else {
          value = format.activate(b, epilogue.activation, value)
        }
        b.storeElements(
          epilogue.result, value, b.offset(line, bytes: vector * lanes * size), count: count)
      }
    }
  }
}
