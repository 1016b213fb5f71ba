import Diagnostics

/// Multiplies blocks of vectors along a dimension by an orthogonal matrix: large single elements
/// become many of middle size, which 8-bit integers hold better.
///
/// A block of `n = p * m` elements is seen as a matrix `[p, m]` and becomes `H^T x Q`: `H` is the
/// Hadamard matrix of size `p`, a power of two, over `sqrt(p)`; `Q` is the orthonormal discrete
/// cosine transform, `Q[b, c] = sqrt((c == 0 ? 1 : 2) / m) * cos(pi * (2 b + 1) * c / (2 m))`, or
/// the identity where `size` is given. Operand: `x` of any shape. Attributes: `axis`, default -1,
/// the last one; `block`, `n`, default the whole extent; `size`, `p`, default the largest power
/// of two that divides `n`. Of constants only.
///
/// - C1: `axis` is a dimension of `x`, or -1, and `x` f32.
/// - C2: `block` divides the extent.
/// - C3: `size` is a power of two that divides the block.
public struct Hadamard: OpDefinition {
  /// The dimension along which the vectors lie.
  public var axis: Int
  /// The elements of a block; `nil`: all.
  public var block: Int?
  /// The size of the Hadamard matrix; `nil`: the largest possible, and cosines for the rest.
  public var size: Int?

  /// Creates a rotation.
  public init(axis: Int = -1, block: Int? = nil, size: Int? = nil) {
    self.axis = axis
    self.block = block
    self.size = size
  }

  static let mnemonic = "hadamard"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    if axis != -1 { list.set("axis", .integer(axis)) }
    if let block { list.set("block", .integer(block)) }
    if let size { list.set("size", .integer(size)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    axis = try attributes.integer("axis", default: -1)
    block = attributes.value("block") == nil ? nil : try attributes.integer("block")
    size = attributes.value("size") == nil ? nil : try attributes.integer("size")
  }
  func resultType(of operands: [TensorType]) throws(Diagnostic) -> TensorType {
    let x = operands[0]
    try require(
      "C1", x.rank > 0 && axis >= -1 && axis < x.rank && x.element == .f32,
      "axis: \(axis) is not a dimension of \(x)")
    let extent = x.shape[axis < 0 ? x.rank - 1 : axis]
    let block = self.block ?? extent
    try require(
      "C2", block > 0 && extent % block == 0, "block: \(block) does not divide \(extent)")
    let size = self.size ?? 1
    try require(
      "C3", size > 0 && size & (size - 1) == 0 && block % size == 0,
      "size: \(size) is not a power of two that divides \(block)")
    return x
  }
  func evaluate<S: TensorScalar>(_ operands: [DenseTensor<S>]) -> DenseTensor<S> {
    let x = operands[0]
    let axis = self.axis < 0 ? x.shape.count - 1 : self.axis
    let inner = x.shape[(axis + 1)...].reduce(1, *)
    let transform = OrthogonalTransform(block: block ?? x.shape[axis], size: size)
    return x.values.withUnsafeBufferPointer { source in
      DenseTensor<S>(shape: x.shape) { transform.apply(to: source, into: $0, inner: inner) }
    }
  }
}
