/// A dense host tensor, row-major: constants, and the values of the reference semantics.
///
/// Elements of every type are held as floats, which have room for all of them.
public struct Tensor: Hashable, Sendable {
  /// The extent of each dimension, outermost first.
  public var shape: [Int]
  /// The elements, row-major.
  public var values: [Float]
  /// The type of each element: what `values` are rounded to.
  public private(set) var element = ElementType.f32

  /// Creates a tensor; `values` must have as many elements as `shape` says.
  public init(shape: [Int], values: [Float]) {
    precondition(values.count == shape.reduce(1, *), "tensor of \(shape) with \(values.count)")
    self.shape = shape
    self.values = values
  }

  /// Creates a tensor of one repeated value.
  public init(shape: [Int], repeating value: Float = 0) {
    self.shape = shape
    self.values = Array(repeating: value, count: shape.reduce(1, *))
  }

  /// Creates a tensor whose elements `write` gives values to, all of them.
  init(shape: [Int], writing write: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let count = shape.reduce(1, *)
    self.shape = shape
    values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      write(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// Its type.
  public var type: TensorType { TensorType(element, shape) }

  /// Returns it with each element rounded to the nearest one of this type.
  public func rounded(to element: ElementType) -> Tensor {
    guard element != self.element else { return self }
    var result = self
    result.element = element
    result.values.withUnsafeMutableBufferPointer { element.round($0) }
    return result
  }

  /// The number of rows of the tensor seen as a matrix whose columns are its last dimension.
  public var rows: Int { columns == 0 ? 0 : values.count / columns }
  /// The extent of the last dimension; 1 for a scalar.
  public var columns: Int { shape.last ?? 1 }
}
