import COpenBLAS
import IR

/// A type of numbers that OpenBLAS multiplies matrices of.
public protocol BLASScalar: TensorScalar {
  /// `c = a * op(b)` by OpenBLAS, which is loaded: `rows` x `columns` sums of `steps` products, all
  /// matrices dense and row-major; `b` is stored transposed if `isTransposed`.
  static func multiply(
    _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, into c: UnsafeMutablePointer<Self>,
    rows: Int, columns: Int, steps: Int, isTransposed: Bool)

  /// Returns `sum_i a[i] * b[i]`, accumulated in `Double` in an order of our own.
  static func dot(_ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, _ count: Int) -> Double
}

extension Float: BLASScalar {
  /// `cblas_sgemm`.
  public static func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    rows: Int, columns: Int, steps: Int, isTransposed: Bool
  ) {
    vitc_blas_sgemm(
      0, isTransposed ? 1 : 0, Int32(rows), Int32(columns), Int32(steps), 1, a, Int32(steps), b,
      Int32(isTransposed ? steps : columns), 0, c, Int32(columns))
  }

  /// Products of two floats are exact in `Double`, so only sums round.
  public static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
  ) -> Double {
    var sums = SIMD8<Double>()
    let whole = count & ~7
    for i in stride(from: 0, to: whole, by: 8) {
      let left = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Float>.self)
      let right = UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Float>.self)
      sums += SIMD8<Double>(left) * SIMD8<Double>(right)
    }
    var sum = sums.sum()
    for i in whole..<count { sum += Double(a[i]) * Double(b[i]) }
    return sum
  }
}

extension Double: BLASScalar {
  /// `cblas_dgemm`.
  public static func multiply(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, into c: UnsafeMutablePointer<Double>,
    rows: Int, columns: Int, steps: Int, isTransposed: Bool
  ) {
    vitc_blas_dgemm(
      0, isTransposed ? 1 : 0, Int32(rows), Int32(columns), Int32(steps), 1, a, Int32(steps), b,
      Int32(isTransposed ? steps : columns), 0, c, Int32(columns))
  }

  /// In the order of the elements.
  public static func dot(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
  ) -> Double {
    var sum = 0.0
    for i in 0..<count { sum += a[i] * b[i] }
    return sum
  }
}
