/// A row of activations in 8-bit integers: `x = lowest + step * q`, nearly, with `q` in 0...255.
struct QuantizedRow {
  /// The smallest element.
  var lowest: Float
  /// The distance of two neighbouring numbers; 0 where all elements are equal.
  var step: Float
  /// The integers.
  var integers: [Int]

  /// Quantizes a row, by the operations of the generated code.
  init(_ row: ArraySlice<Float>) {
    let (low, high) = (row.min() ?? 0, row.max() ?? 0)
    let inverse: Float = high > low ? 255 / (high - low) : 0
    lowest = low
    step = (high - low) / 255
    let shift = -(low * inverse)
    integers = row.map {
      Int(exactly: shift.addingProduct($0, inverse).rounded(.toNearestOrEven)) ?? 0
    }
  }
}
