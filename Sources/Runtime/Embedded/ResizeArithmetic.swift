import CVitSystem

/// How weighted sums of pixels are computed: what is between the two passes of a resize, and
/// after them.
protocol ResizeArithmetic {
  associatedtype Value
  associatedtype Weight

  /// Whether the vertical pass comes first, which shows in the last bit as values are rounded
  /// between the passes.
  static func isRowsFirst(_ columns: ResampleAxis, _ rows: ResampleAxis) -> Bool

  static func fill(_ tables: ResampleTables<Weight>, _ axis: ResampleAxis)

  /// Output `i` of an axis whose inputs, of the photo, are `step` bytes apart from `source` on.
  static func first(
    _ source: UnsafePointer<UInt8>, step: Int, _ tables: ResampleTables<Weight>, _ i: Int
  ) -> Value

  /// The same of what the first pass made, `step` values apart.
  static func second(
    _ source: UnsafePointer<Value>, step: Int, _ tables: ResampleTables<Weight>, _ i: Int
  ) -> Float
}

/// Pillow's arithmetic of 8-bit images: fixed point, rounded and clamped to 8 bits after each pass.
enum ByteArithmetic: ResizeArithmetic {
  /// Pillow 13's rule, found by trying sizes: where the height shrinks by more than twice the
  /// pixels that the width does.
  ///
  /// Earlier versions always begin with the horizontal pass.
  static func isRowsFirst(_ columns: ResampleAxis, _ rows: ResampleAxis) -> Bool {
    rows.outputs < rows.inputs
      && rows.inputs &- rows.outputs > 2 &* (columns.inputs &- columns.outputs)
  }

  static func fill(_ tables: ResampleTables<Int32>, _ axis: ResampleAxis) { axis.fill(tables) }

  @inline(__always)
  static func first(
    _ source: UnsafePointer<UInt8>, step: Int, _ tables: ResampleTables<Int32>, _ i: Int
  ) -> UInt8 {
    let weights = tables.weights(i)
    let start = source + tables.first(i) &* step
    var sum: Int32 = 1 &<< (ResampleAxis.fractionBits &- 1)
    for tap in 0..<tables.count(i) { sum &+= Int32(start[tap &* step]) &* weights[tap] }
    return UInt8(truncatingIfNeeded: max(0, min(255, sum &>> ResampleAxis.fractionBits)))
  }

  @inline(__always)
  static func second(
    _ source: UnsafePointer<UInt8>, step: Int, _ tables: ResampleTables<Int32>, _ i: Int
  ) -> Float {
    Float(first(source, step: step, tables, i))
  }
}

/// PyTorch's arithmetic of float images: nothing is rounded to 8 bits or clamped, columns first.
enum FloatArithmetic: ResizeArithmetic {
  static func isRowsFirst(_ columns: ResampleAxis, _ rows: ResampleAxis) -> Bool { false }

  static func fill(_ tables: ResampleTables<Float>, _ axis: ResampleAxis) { axis.fill(tables) }

  @inline(__always)
  static func first(
    _ source: UnsafePointer<UInt8>, step: Int, _ tables: ResampleTables<Float>, _ i: Int
  ) -> Float {
    let weights = tables.weights(i)
    let start = source + tables.first(i) &* step
    var sum: Float = 0
    for tap in 0..<tables.count(i) { sum += Float(start[tap &* step]) * weights[tap] }
    return sum
  }

  @inline(__always)
  static func second(
    _ source: UnsafePointer<Float>, step: Int, _ tables: ResampleTables<Float>, _ i: Int
  ) -> Float {
    let weights = tables.weights(i)
    let start = source + tables.first(i) &* step
    var sum: Float = 0
    for tap in 0..<tables.count(i) { sum += start[tap &* step] * weights[tap] }
    return sum
  }
}
