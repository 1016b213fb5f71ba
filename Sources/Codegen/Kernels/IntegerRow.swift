import IR

/// A row quantized to bytes: `x = lowest + step * q`, nearly, with `q` in 0...255.
///
/// The extremes are those of the whole row, so it is read twice; with `points`, rotated elements
/// wait in between.
struct IntegerRow: PreparedRow {
  /// The elements of the row, and their type.
  let columns: Int
  let element: ElementType
  /// The term in the row's norm; `nil`: none is wanted.
  let epsilon: Float?
  /// The points of the Hadamard matrix that the row is multiplied by; `nil`: it is not.
  let points: Int?

  var stride: Int { Self.stride(bytes: columns) }
  var factorCount: Int { 2 }
  var scratchBytes: Int { points == nil ? 0 : (columns * 4 + 63) / 64 * 64 }

  /// What is known of the elements read so far, lane by lane.
  private struct Extremes {
    var lowest: Value
    var highest: Value
    var squares: Value

    init(_ values: [Value]) { (lowest, highest, squares) = (values[0], values[1], values[2]) }
    var values: [Value] { [lowest, highest, squares] }

    mutating func add(_ b: Builder, _ x: Value, count: Int, squared: Bool) {
      let lanes = b.target.lanes
      let (low, high) = (b.minimumFloat(x, lowest), b.maximumFloat(x, highest))
      if count < lanes {
        let mask = b.mask(first: count, of: lanes)
        (lowest, highest) = (b.select(mask, low, lowest), b.select(mask, high, highest))
      } else {
        (lowest, highest) = (low, high)
      }
      if squared { squares = b.multiplyAdd(x, x, squares) }
    }
  }

  /// The factors are step and lowest element, over the norm.
  func emit(_ b: Builder, _ address: Value, to target: Value, factors: Value, scratch: Value) {
    let extremes = points.map { rotate(b, address, to: scratch, points: $0) } ?? scan(b, address)
    let (source, type) = points == nil ? (address, element) : (scratch, .f32)
    let lowest = b.reduce(extremes.lowest, b.minimumFloat)
    let highest = b.reduce(extremes.highest, b.maximumFloat)
    let range = b.subtractFloat(highest, lowest)
    let inverse = b.select(
      b.lessFloat(b.float(0), range), b.divideFloat(b.float(255), range), b.float(0))
    quantize(b, source, type, to: target, inverse, b.negate(b.multiplyFloat(lowest, inverse)))
    var step = b.divideFloat(range, b.float(255))
    var shift = lowest
    if let epsilon {
      let norm = RowNorm(columns: columns, epsilon: epsilon).finish(b, b.total([extremes.squares]))
      (step, shift) = (b.multiplyFloat(step, norm), b.multiplyFloat(shift, norm))
    }
    b.store(step, factors)
    b.store(shift, b.offset(factors, bytes: 4))
  }

  private func start(_ b: Builder) -> [Value] {
    let lanes = b.target.lanes
    return [b.floats(.infinity, lanes), b.floats(-.infinity, lanes), b.floats(0, lanes)]
  }

  /// Emits the first reading.
  private func scan(_ b: Builder, _ address: Value) -> Extremes {
    let (lanes, size) = (b.target.lanes, element.sizeBytes)
    func visit(_ index: Value, count: Int, _ carried: [Value]) -> [Value] {
      var extremes = Extremes(carried)
      let x = b.loadElements(
        element, b.offset(address, b.multiply(index, b.constant(size))), lanes, count: count)
      extremes.add(b, x, count: count, squared: epsilon != nil)
      return extremes.values
    }
    let whole = columns / lanes * lanes
    var found = b.forLoop(
      from: b.constant(0), to: b.constant(whole), step: lanes, carrying: start(b)
    ) { visit($0, count: lanes, $1) }
    if whole < columns { found = visit(b.constant(whole), count: columns - whole, found) }
    return Extremes(found)
  }

  /// Emits the first reading with a rotation: `points` vectors, a part of the row apart, at a time.
  private func rotate(
    _ b: Builder, _ address: Value, to scratch: Value, points: Int
  ) -> Extremes {
    let (lanes, size, part) = (b.target.lanes, element.sizeBytes, columns / points)
    let factor = b.floats(1 / Float(points).squareRoot(), lanes)
    func visit(_ index: Value, count: Int, _ carried: [Value]) -> [Value] {
      var extremes = Extremes(carried)
      var x = (0..<points).map {
        b.loadElements(
          element,
          b.offset(address, b.multiply(b.add(index, b.constant($0 * part)), b.constant(size))),
          lanes, count: count)
      }
      var distance = 1
      while distance < points {
        for i in x.indices where i & distance == 0 {
          let (one, other) = (x[i], x[i + distance])
          (x[i], x[i + distance]) = (b.addFloat(one, other), b.subtractFloat(one, other))
        }
        distance *= 2
      }
      for (i, value) in x.enumerated() {
        let rotated = b.multiplyFloat(value, factor)
        extremes.add(b, rotated, count: count, squared: epsilon != nil)
        b.storeFloats(
          rotated, b.element(scratch, b.add(index, b.constant(i * part))), count: count)
      }
      return extremes.values
    }
    let whole = part / lanes * lanes
    var found = start(b)
    if whole > 0 {
      found = b.forLoop(
        from: b.constant(0), to: b.constant(whole), step: lanes, carrying: found
      ) { visit($0, count: lanes, $1) }
    }
    if whole < part { found = visit(b.constant(whole), count: part - whole, found) }
    return Extremes(found)
  }

  /// Emits the second reading: `round(x * inverse + shift)`.
  private func quantize(
    _ b: Builder, _ source: Value, _ type: ElementType, to target: Value, _ inverse: Value,
    _ shift: Value
  ) {
    let lanes = b.target.lanes
    let (inverses, shifts) = (b.splat(inverse, lanes), b.splat(shift, lanes))
    if columns % 4 != 0 {
      b.store(b.constant32(0), b.offset(target, bytes: columns / 4 * 4))
    }
    b.visitRow(columns: columns) { bytes, count in
      let index = b.divide(bytes, b.constant(4))
      let x = b.loadElements(
        type, b.offset(source, b.multiply(index, b.constant(type.sizeBytes))), lanes,
        count: count)
      b.storeBytes(b.multiplyAdd(x, inverses, shifts), b.offset(target, index), count: count)
    }
  }
}
