import CWeightLoops

/// For single precision the loops over all weights of a model are C (`CWeightLoops`), which uses
/// AVX2 where the processor has it.
extension UnsafePointer {
  /// The same numbers where they are of single precision; `nil` of others.
  @inline(__always)
  var floats: UnsafePointer<Float>? {
    Pointee.self == Float.self
      ? UnsafeRawPointer(self).assumingMemoryBound(to: Float.self) : nil
  }
}

extension UnsafeMutablePointer {
  /// The same numbers where they are of single precision; `nil` of others.
  @inline(__always)
  var floats: UnsafeMutablePointer<Float>? {
    Pointee.self == Float.self
      ? UnsafeMutableRawPointer(self).assumingMemoryBound(to: Float.self) : nil
  }
}

/// The sums of columns, and numbers without their means.
enum ColumnLoops {
  /// `sums[i] += x[i]`.
  @inline(__always)
  static func add<S: TensorScalar>(
    _ x: UnsafePointer<S>, to sums: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    if let x = x.floats { return cwl_add(sums, x, count, 0) }
    for i in 0..<count { sums[i] += Double(x[i]) }
  }

  /// `y[i] = x[i] - means[i]`, rounded once.
  @inline(__always)
  static func subtract<S: TensorScalar>(
    _ means: UnsafePointer<Double>, from x: UnsafePointer<S>, into y: UnsafeMutablePointer<S>,
    _ count: Int
  ) {
    if let x = x.floats, let y = y.floats { return cwl_subtract(y, x, means, count, 0) }
    for i in 0..<count { y[i] = S(Double(x[i]) - means[i]) }
  }
}
