import Diagnostics
import Glibc

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
    var result = operands[0]
    let axis = self.axis < 0 ? result.shape.count - 1 : self.axis
    let (extent, inner) = (result.shape[axis], result.shape[(axis + 1)...].reduce(1, *))
    let transform = OrthogonalTransform(block: block ?? extent, size: size)
    let block = transform.block
    let vectors = result.values.count / block
    // Vectors side by side take each operation together, in the order in which one alone does.
    let lanes = OrthogonalTransform.lanes
    var rows = Array(repeating: 0.0, count: block * lanes)
    var starts = Array(repeating: 0, count: lanes)
    result.values.withUnsafeMutableBufferPointer { values in
      for first in stride(from: 0, to: vectors, by: lanes) {
        let count = min(lanes, vectors - first)
        for lane in 0..<count {
          // Neighbours along the columns, then blocks, then the dimensions before the axis.
          let (line, column) = (first + lane).quotientAndRemainder(dividingBy: inner)
          starts[lane] = line * block * inner + column
        }
        rows.withUnsafeMutableBufferPointer { rows in
          for i in 0..<block {
            for lane in 0..<count {
              rows[i * lanes + lane] = Double(values[starts[lane] + i * inner])
            }
          }
          transform.apply(to: rows)
          for i in 0..<block {
            for lane in 0..<count {
              values[starts[lane] + i * inner] = S(rows[i * lanes + lane])
            }
          }
        }
      }
    }
    return result
  }
}

/// The orthogonal matrix of ``Hadamard``.
struct OrthogonalTransform {
  /// The vectors that ``apply(to:)`` takes.
  static let lanes = 16

  let block: Int
  private let size: Int
  /// `Q`, row by row; empty for the identity.
  private var cosines: [Double] = []

  init(block: Int, size: Int?) {
    self.block = block
    self.size = size ?? (block & -block)
    let rest = block / self.size
    guard size == nil, rest > 1 else { return }
    for b in 0..<rest {
      for c in 0..<rest {
        let angle = Double.pi * Double((2 * b + 1) * c) / Double(2 * rest)
        cosines.append((Double(c == 0 ? 1 : 2) / Double(rest)).squareRoot() * Glibc.cos(angle))
      }
    }
  }

  /// Replaces ``lanes`` vectors `x` by `R x`: `rows` has element `i` of each, side by side, at
  /// `i * lanes`.
  func apply(to rows: UnsafeMutableBufferPointer<Double>) {
    let lanes = Self.lanes
    let rest = block / size
    var distance = rest
    while distance < block {
      for first in stride(from: 0, to: block, by: 2 * distance) {
        for i in first * lanes..<(first + distance) * lanes {
          let (a, b) = (rows[i], rows[i + distance * lanes])
          rows[i] = a + b
          rows[i + distance * lanes] = a - b
        }
      }
      distance *= 2
    }
    let factor = 1 / Double(size).squareRoot()
    for i in rows.indices { rows[i] *= factor }
    guard !cosines.isEmpty else { return }
    var sums = Array(repeating: 0.0, count: rest * lanes)
    for first in stride(from: 0, to: block, by: rest) {
      for c in 0..<rest {
        for lane in 0..<lanes { sums[c * lanes + lane] = 0 }
        for k in 0..<rest {
          let cosine = cosines[k * rest + c]
          for lane in 0..<lanes {
            sums[c * lanes + lane] += rows[(first + k) * lanes + lane] * cosine
          }
        }
      }
      for i in sums.indices { rows[first * lanes + i] = sums[i] }
    }
  }
}
