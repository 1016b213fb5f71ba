import CWeightLoops

/// A type of numbers that values of the reference semantics are held in.
///
/// `Float` is what compiled models compute in; `Double` is for figures and for truth: the same
/// definitions of operations, with nothing rounded to f32 in between.
public protocol TensorScalar: BinaryFloatingPoint, Sendable {
  /// The number in double precision.
  var double: Double { get }

  /// 3 * 2^(p - 2) for numbers of p bits: a sum with it has no room for a fraction.
  static var withoutFraction: Self { get }

  /// Numbers in single precision, as these.
  static func widened(_ values: [Float]) -> [Self]

  /// The largest magnitude of some numbers; of what is not a number, nothing is said. 0 of none.
  static func largestMagnitude(_ values: UnsafeBufferPointer<Self>) -> Self

  /// Rounds each number to the nearest one of a type of elements, as ``ElementType/rounded(_:)``
  /// does; `f32` stands for the precision of `Self` and changes nothing.
  static func round(_ values: UnsafeMutableBufferPointer<Self>, to element: ElementType)

  /// Returns the first result of an operation, not yet rounded to the element of its type.
  static func evaluate(
    _ op: AnyOpDefinition, _ operands: [DenseTensor<Self>]
  ) -> DenseTensor<Self>

  /// Returns all results of an operation, not yet rounded to the elements of their types.
  static func evaluateAll(
    _ op: AnyOpDefinition, _ operands: [DenseTensor<Self>]
  ) -> [DenseTensor<Self>]
}

/// The struct of an operation, whichever it is.
public struct AnyOpDefinition {
  let definition: any OpDefinition
}

extension Float: TensorScalar {
  /// The number in double precision.
  public var double: Double { Double(self) }

  /// 3 * 2^22.
  @inlinable public static var withoutFraction: Float { 12_582_912 }

  /// They are.
  public static func widened(_ values: [Float]) -> [Float] { values }

  /// The largest magnitude: that of the bits as integers, unless something is not a number.
  public static func largestMagnitude(_ values: UnsafeBufferPointer<Float>) -> Float {
    guard let first = values.baseAddress else { return 0 }
    let largest = Float(bitPattern: cwl_largest_bits(first, values.count, 0))
    return largest.isNaN ? values.reduce(0) { abs($1) >= $0 ? abs($1) : $0 } : largest
  }

  /// Rounds each number.
  public static func round(
    _ values: UnsafeMutableBufferPointer<Float>, to element: ElementType
  ) {
    element.round(values)
  }

  /// The first result in single precision.
  public static func evaluate(_ op: AnyOpDefinition, _ operands: [Tensor]) -> Tensor {
    op.definition.evaluate(operands)
  }

  /// All results in single precision.
  public static func evaluateAll(_ op: AnyOpDefinition, _ operands: [Tensor]) -> [Tensor] {
    op.definition.evaluateAll(operands)
  }
}

extension Double: TensorScalar {
  /// The number itself.
  public var double: Double { self }

  /// 3 * 2^51.
  @inlinable public static var withoutFraction: Double { 6_755_399_441_055_744 }

  /// Exactly the same numbers.
  public static func widened(_ values: [Float]) -> [Double] { values.map { Double($0) } }

  /// The largest magnitude.
  public static func largestMagnitude(_ values: UnsafeBufferPointer<Double>) -> Double {
    values.reduce(0) { abs($1) >= $0 ? abs($1) : $0 }
  }

  /// Rounds each number, to a type of fewer bits than f32 by way of f32.
  public static func round(
    _ values: UnsafeMutableBufferPointer<Double>, to element: ElementType
  ) {
    guard element != .f32 else { return }
    for i in values.indices { values[i] = Double(element.rounded(Float(values[i]))) }
  }

  /// The first result in double precision.
  public static func evaluate(
    _ op: AnyOpDefinition, _ operands: [DenseTensor<Double>]
  ) -> DenseTensor<Double> {
    op.definition.evaluate(operands)
  }

  /// All results in double precision.
  public static func evaluateAll(
    _ op: AnyOpDefinition, _ operands: [DenseTensor<Double>]
  ) -> [DenseTensor<Double>] {
    op.definition.evaluateAll(operands)
  }

  /// A number of either precision.
  init<S: TensorScalar>(_ x: S) { self = x.double }
}
