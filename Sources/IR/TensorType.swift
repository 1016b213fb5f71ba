/// An element type and a static shape, row-major.
public struct TensorType: Hashable, Sendable {
  /// The type of each element.
  public var element: ElementType
  /// The extent of each dimension, outermost first; `[]` is a scalar.
  public var shape: [Int]

  /// Creates a type.
  public init(_ element: ElementType, _ shape: [Int]) {
    self.element = element
    self.shape = shape
  }

  /// A `f32` type of this shape.
  public static func f32(_ shape: Int...) -> TensorType { TensorType(.f32, shape) }

  /// The number of dimensions.
  public var rank: Int { shape.count }
  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// The size of a dense tensor of this type in bytes.
  public var sizeBytes: Int { count * element.sizeBytes }
}

extension TensorType: CustomStringConvertible {
  /// The text form, such as `f32[197,768]`.
  public var description: String {
    "\(element.rawValue)[\(shape.map(String.init).joined(separator: ","))]"
  }
}
