/// Where a value lives in memory in the planned form.
///
/// A value of type `[rows, columns]` has element `(r, c)` at byte
/// `offsetBytes + size * (r * rowStride + c)` of its space, `size` being that of an element in
/// bytes; values of other ranks are dense, with `rowStride` the extent of their last dimension.
public struct Placement: Hashable, Sendable {
  /// One of the memories that generated code sees; see `vit_frame` in the ABI header.
  public enum Space: Hashable, Sendable {
    /// The packed weights: constant, shared.
    case weights
    /// Activations of one image.
    case arena
    /// The caller's image: read only, of any alignment.
    case image
    /// The caller's buffer for one output, by index: written only, of any alignment, dense.
    case output(Int)
  }

  /// The memory.
  public var space: Space
  /// The distance of the first element from the space's base, in bytes.
  public var offsetBytes: Int
  /// The distance from one row to the next, in elements.
  public var rowStride: Int

  /// Creates a placement.
  public init(_ space: Space, offsetBytes: Int, rowStride: Int) {
    self.space = space
    self.offsetBytes = offsetBytes
    self.rowStride = rowStride
  }

  /// The distance from the first element to just after the last one, in bytes, for a `type`.
  public func extentBytes(of type: TensorType) -> Int {
    guard type.count > 0 else { return 0 }
    let columns = type.shape.last ?? 1
    return ((type.count / columns - 1) * rowStride + columns) * type.element.sizeBytes
  }
}

extension Placement: CustomStringConvertible {
  /// The text form, such as `@arena+4096:784`.
  public var description: String { "@\(space)+\(offsetBytes):\(rowStride)" }
}

extension Placement.Space: CustomStringConvertible {
  /// The text form: `weights`, `arena`, `image`, `output0` and so on.
  public var description: String {
    switch self {
    case .weights: "weights"
    case .arena: "arena"
    case .image: "image"
    case .output(let index): "output\(index)"
    }
  }
}
