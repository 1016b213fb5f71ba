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
  /// The number of elements; `Int.max` where that does not fit.
  public var count: Int { shape.reduce(1, TensorType.saturatingProduct) }
  /// The size of a dense tensor of this type in bytes; `Int.max` where that does not fit.
  public var sizeBytes: Int { TensorType.saturatingProduct(count, element.sizeBytes) }

  /// The most elements that a tensor may have: 2^40, so that sums and small multiples of sizes in
  /// bytes never overflow.
  public static let maximumCount = 1 << 40

  /// `true` iff every extent is at least 1 and there are at most `maximumCount` elements; the type
  /// of every value of a graph is so.
  public var isAllowed: Bool {
    shape.allSatisfy { $0 > 0 } && count <= TensorType.maximumCount
  }

  private static func saturatingProduct(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? .max : product
  }
}

extension TensorType: CustomStringConvertible {
  /// The text form, such as `f32[197,768]`.
  public var description: String {
    "\(element.rawValue)[\(shape.map(String.init).joined(separator: ","))]"
  }
}
