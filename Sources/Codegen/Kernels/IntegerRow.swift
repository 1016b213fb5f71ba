import IR

/// A row quantized to bytes: `x = scale * q + offset`, nearly, with `q` in 0...255.
///
/// The extremes are those of the whole row, so it is read twice; with a Hadamard matrix,
/// what it makes of the elements waits in between.
struct IntegerRow: PreparedRow {
  /// The elements of the row, and their type.
  let columns: Int
  let element: ElementType
  /// The term in the row's norm; `nil`: none is wanted.
  let epsilon: Float?
  /// The size of the Hadamard matrix that the row is multiplied by; `nil`: it is not.
  let hadamardSize: Int?

  var stride: Int { RowStride.padded(S8Format().groups(columns)) }
  var scaleCount: Int { 2 }
  var scratchBytes: Int { hadamardSize == nil ? 0 : (columns * 4 + 63) / 64 * 64 }

  /// The smallest and the largest element read so far, and a sum, lane by lane.
  ///
  /// Of squares where a norm is wanted, else of zeros, which only numbers that are not finite
  /// change.
  private struct Extremes {
    var minimum: Value
    var maximum: Value
    var sum: Value

    init(_ values: [Value]) { (minimum, maximum, sum) = (values[0], values[1], values[2]) }
    var values: [Value] { [minimum, maximum, sum] }

    static func start(_ b: Builder) -> [Value] {
      let lanes = b.target.lanes
      return [b.floats(.infinity, lanes), b.floats(-.infinity, lanes), b.floats(0, lanes)]
    }

    /// Takes in the first `count` lanes of some vectors.
    mutating func add(_ b: Builder, _ vectors: [Value], count: Int) {
      let low = b.minimumFloat(b.pairwise(vectors, b.minimumFloat), minimum)
      let high = b.maximumFloat(b.pairwise(vectors, b.maximumFloat), maximum)
      if count < b.target.lanes {
        let mask = b.mask(first: count, of: b.target.lanes)
        (minimum, maximum) = (b.select(mask, low, minimum), b.select(mask, high, maximum))
      } else {
        (minimum, maximum) = (low, high)
      }
    }

    /// What some of them say together.
    static func all(_ b: Builder, _ parts: [Extremes]) -> Extremes {
      Extremes([
        b.pairwise(parts.map(\.minimum), b.minimumFloat),
        b.pairwise(parts.map(\.maximum), b.maximumFloat), b.pairwise(parts.map(\.sum), b.addFloat),
      ])
    }
  }

  /// The scales are the scale and the offset, over the norm.
  func emit(_ b: Builder, _ address: Value, to target: Value, scales: Value, scratch: Value) {
    let extremes =
      hadamardSize.map { transform(b, address, to: scratch, size: $0) } ?? scan(b, address)
    let (source, type) = hadamardSize == nil ? (address, element) : (scratch, .f32)
    let minimum = b.reduce(extremes.minimum, b.minimumFloat)
    let maximum = b.reduce(extremes.maximum, b.maximumFloat)
    let range = b.subtractFloat(maximum, minimum)
    let inverse = b.select(
      b.lessFloat(b.float(0), range), b.divideFloat(b.float(255), range), b.float(0))
    quantize(b, source, type, to: target, minimum: minimum, inverse: inverse)
    var (scale, offset) = (b.divideFloat(range, b.float(255)), minimum)
    // The scratch memory holds the transformed row times the root of the size.
    let root = 1 / Float(hadamardSize ?? 1).squareRoot()
    if hadamardSize != nil {
      (scale, offset) = (
        b.multiplyFloat(scale, b.float(root)), b.multiplyFloat(offset, b.float(root))
      )
    }
    let sum = b.total([extremes.sum])
    if let epsilon {
      let norm = RowNorm(columns: columns, epsilon: epsilon).finish(
        b, b.multiplyFloat(sum, b.float(root * root)))
      (scale, offset) = (b.multiplyFloat(scale, norm), b.multiplyFloat(offset, norm))
    } else {
      scale = b.addFloat(scale, sum)
    }
    b.store(scale, scales)
    b.store(offset, b.offset(scales, bytes: 4))
  }

  /// Emits the first reading.
  private func scan(_ b: Builder, _ address: Value) -> Extremes {
    let (lanes, size) = (b.target.lanes, element.sizeBytes)
    let parts = b.visitRow(columns: columns, carrying: Extremes.start(b)) { bytes, count, carried in
      var extremes = Extremes(carried)
      let place = size == 4 ? bytes : b.divide(bytes, b.constant(4 / size))
      let x = b.loadElements(element, b.offset(address, place), lanes, count: count)
      extremes.add(b, [x], count: count)
      let factor = epsilon == nil ? b.floats(0, lanes) : x
      extremes.sum = b.multiplyAdd(x, factor, extremes.sum)
      return extremes.values
    }
    return Extremes.all(b, parts.map(Extremes.init))
  }

  /// Emits the first reading with a Hadamard matrix: `size` vectors, a part of the row apart, at
  /// a time.
  private func transform(
    _ b: Builder, _ address: Value, to scratch: Value, size: Int
  ) -> Extremes {
    let (lanes, elementBytes, part) = (b.target.lanes, element.sizeBytes, columns / size)
    func visit(_ index: Value, count: Int, _ carried: [Value]) -> [Value] {
      var extremes = Extremes(carried)
      var x = (0..<size).map {
        b.loadElements(
          element,
          b.offset(
            address, b.multiply(b.add(index, b.constant($0 * part)), b.constant(elementBytes))),
          lanes, count: count)
      }
      var distance = 1
      while distance < size {
        for i in x.indices where i & distance == 0 {
          let (one, other) = (x[i], x[i + distance])
          (x[i], x[i + distance]) = (b.addFloat(one, other), b.subtractFloat(one, other))
        }
        distance *= 2
      }
      for (i, value) in x.enumerated() {
        b.storeFloats(value, b.element(scratch, b.add(index, b.constant(i * part))), count: count)
      }
      extremes.add(b, x, count: count)
      if epsilon == nil {
        // The first one is the sum of all that were read.
        extremes.sum = b.multiplyAdd(x[0], b.floats(0, lanes), extremes.sum)
      } else {
        for value in x { extremes.sum = b.multiplyAdd(value, value, extremes.sum) }
      }
      return extremes.values
    }
    let found = b.inSteps(of: lanes, count: part, carrying: Extremes.start(b)) {
      visit($0, count: $1, $2)
    }
    return Extremes(found)
  }

  /// Emits the second reading: `round((x - minimum) * inverse)`.
  private func quantize(
    _ b: Builder, _ source: Value, _ type: ElementType, to target: Value, minimum: Value,
    inverse: Value
  ) {
    let lanes = b.target.lanes
    let (minima, inverses) = (b.splat(minimum, lanes), b.splat(inverse, lanes))
    if columns % 4 != 0 {
      b.store(b.constant32(0), b.offset(target, bytes: columns / 4 * 4))
    }
    b.visitRow(columns: columns) { bytes, count in
      let index = b.divide(bytes, b.constant(4))
      let x = b.loadElements(
        type, b.offset(source, b.multiply(index, b.constant(type.sizeBytes))), lanes,
        count: count)
      S8Format.storeLeft(
        b, b.subtractFloat(x, minima), times: inverses, b.offset(target, index), count: count)
    }
  }
}
