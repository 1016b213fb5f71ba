/// A dense `f32` host tensor, row-major: constants, and the values of the reference semantics.
public struct Tensor: Hashable, Sendable {
  /// The extent of each dimension, outermost first.
  public var shape: [Int]
  /// The elements, row-major.
  public var values: [Float]

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
  public var type: TensorType { TensorType(.f32, shape) }

  /// The number of rows of the tensor seen as a matrix whose columns are its last dimension.
  public var rows: Int { columns == 0 ? 0 : values.count / columns }
  /// The extent of the last dimension; 1 for a scalar.
  public var columns: Int { shape.last ?? 1 }
}
