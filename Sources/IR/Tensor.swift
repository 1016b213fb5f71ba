/// A dense host tensor, row-major: constants, and the values of the reference semantics.
///
/// Elements of every type are held as `Scalar`s, which have room for all of them.
public struct DenseTensor<Scalar: TensorScalar>: Hashable, Sendable {
  /// The extent of each dimension, outermost first.
  public var shape: [Int]
  /// The elements, row-major.
  public var values: [Scalar]
  /// The type of each element: what `values` are rounded to; of `f32` it is the precision of
  /// `Scalar`.
  public private(set) var element = ElementType.f32

  /// Creates a tensor; `values` must have as many elements as `shape` says.
  @inlinable
  public init(shape: [Int], values: [Scalar]) {
    precondition(values.count == shape.reduce(1, *), "tensor of \(shape) with \(values.count)")
    self.shape = shape
    self.values = values
  }

  /// Creates a tensor of one repeated value.
  @inlinable
  public init(shape: [Int], repeating value: Scalar = 0) {
    self.shape = shape
    self.values = Array(repeating: value, count: shape.reduce(1, *))
  }

  /// Creates a tensor whose elements `write` gives values to, all of them.
  init(shape: [Int], writing write: (UnsafeMutableBufferPointer<Scalar>) -> Void) {
    let count = shape.reduce(1, *)
    self.shape = shape
    values = [Scalar](unsafeUninitializedCapacity: count) { buffer, initialized in
      write(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// The same numbers in another precision.
  public init(widening tensor: Tensor) {
    self.init(shape: tensor.shape, values: Scalar.widened(tensor.values))
    element = tensor.element
  }

  /// Its type.
  public var type: TensorType { TensorType(element, shape) }

  /// Returns it with each element rounded to the nearest one of this type.
  public func rounded(to element: ElementType) -> DenseTensor {
    var result = self
    result.round(to: element)
    return result
  }

  /// Rounds each element to the nearest one of this type: in place, where nobody else has them.
  mutating func round(to element: ElementType) {
    guard element != self.element else { return }
    self.element = element
    values.withUnsafeMutableBufferPointer { Scalar.round($0, to: element) }
  }

  /// The number of rows of the tensor seen as a matrix whose columns are its last dimension.
  @inlinable public var rows: Int { columns == 0 ? 0 : values.count / columns }
  /// The extent of the last dimension; 1 for a scalar.
  @inlinable public var columns: Int { shape.last ?? 1 }
}

/// A tensor in single precision, which compiled models compute in.
public typealias Tensor = DenseTensor<Float>
