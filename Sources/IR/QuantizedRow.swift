/// A row of activations in 8-bit integers: `x = lowest + step * q`, nearly, with `q` in 0...255.
///
/// `q = round((x - lowest) * (255 / range))`, one rounding of the product, ties to even; in a row
/// of equal elements all are 0.
public struct QuantizedRow {
  /// The smallest element.
  public let lowest: Float
  /// The distance of two neighbouring numbers; 0 where all elements are equal, not a number where
  /// one of them is not finite.
  public let step: Float
  private let inverse: Float

  /// Finds the extremes of a row.
  public init(_ row: ArraySlice<Float>) {
    var (low, high, poison) = (Float.infinity, -Float.infinity, Float(0))
    for x in row {
      (low, high) = (min(low, x), max(high, x))
      poison += x * 0
    }
    lowest = low
    step = (high - low) / 255 + poison
    inverse = high > low ? 255 / (high - low) : 0
  }

  /// The integer that stands for an element, by the operations of the generated code.
  public func integer(_ x: Float) -> Float {
    Float.withoutFraction.addingProduct(x - lowest, inverse) - Float.withoutFraction
  }
}
