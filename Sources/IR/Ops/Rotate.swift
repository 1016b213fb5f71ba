import Diagnostics
import Glibc

/// Multiplies blocks of vectors along a dimension by an orthogonal matrix: large single elements
/// become many of middle size, which 8-bit integers hold better.
///
/// A block of `n = p * m` elements is seen as a matrix `[p, m]` and becomes `H^T x Q`: `H` is the
/// Hadamard matrix of `p` points, a power of two, over `sqrt(p)`; `Q` is the orthonormal discrete
/// cosine transform, `Q[b, c] = sqrt((c == 0 ? 1 : 2) / m) * cos(pi * (2 b + 1) * c / (2 m))`, or
/// the identity where `points` is given. Operand: `x` of any shape. Attributes: `axis`, default -1,
/// the last one; `block`, `n`, default the whole extent; `points`, `p`, default the largest power
/// of two that divides `n`. Of constants only.
///
/// - C1: `axis` is a dimension of `x`, or -1, and `x` f32.
/// - C2: `block` divides the extent.
/// - C3: `points` is a power of two that divides the block.
public struct Rotate: OpDefinition {
  /// The dimension along which the vectors lie.
  public var axis: Int
  /// The elements of a block; `nil`: all.
  public var block: Int?
  /// The points of the Hadamard matrix; `nil`: as many as there can be, and cosines for the rest.
  public var points: Int?

  /// Creates a rotation.
  public init(axis: Int = -1, block: Int? = nil, points: Int? = nil) {
    self.axis = axis
    self.block = block
    self.points = points
  }

  static let mnemonic = "rotate"
  static let forms = Set(Form.allCases)
  static let operandCounts = 1...1
  var execution: Execution { .evaluated }
  func facts(_ operands: [TensorType]) -> OpFacts { .opaque }
  var attributes: Attributes {
    var list = Attributes()
    if axis != -1 { list.set("axis", .integer(axis)) }
    if let block { list.set("block", .integer(block)) }
    if let points { list.set("points", .integer(points)) }
    return list
  }
  init(_ attributes: inout Attributes) throws(Diagnostic) {
    axis = try attributes.integer("axis", default: -1)
    block = attributes.value("block") == nil ? nil : try attributes.integer("block")
    points = attributes.value("points") == nil ? nil : try attributes.integer("points")
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
    let points = self.points ?? 1
    try require(
      "C3", points > 0 && points & (points - 1) == 0 && block % points == 0,
      "points: \(points) is no power of two that divides \(block)")
    return x
  }
  func evaluate(_ operands: [Tensor]) -> Tensor {
    var result = operands[0]
    let axis = self.axis < 0 ? result.shape.count - 1 : self.axis
    let (extent, inner) = (result.shape[axis], result.shape[(axis + 1)...].reduce(1, *))
    let transform = Rotation(block: block ?? extent, points: points)
    var vector = Array(repeating: 0.0, count: transform.block)
    for outer in stride(from: 0, to: result.values.count, by: extent * inner) {
      for column in 0..<inner {
        for first in stride(from: 0, to: extent, by: transform.block) {
          let start = outer + first * inner + column
          for i in vector.indices { vector[i] = Double(result.values[start + i * inner]) }
          transform.apply(to: &vector)
          for i in vector.indices { result.values[start + i * inner] = Float(vector[i]) }
        }
      }
    }
    return result
  }
}

/// The orthogonal matrix of ``Rotate``.
struct Rotation {
  let block: Int
  private let points: Int
  /// `Q`, row by row; empty for the identity.
  private var cosines: [Double] = []

  init(block: Int, points: Int?) {
    self.block = block
    self.points = points ?? (block & -block)
    let rest = block / self.points
    guard points == nil, rest > 1 else { return }
    for b in 0..<rest {
      for c in 0..<rest {
        let angle = Double.pi * Double((2 * b + 1) * c) / Double(2 * rest)
        cosines.append((Double(c == 0 ? 1 : 2) / Double(rest)).squareRoot() * Glibc.cos(angle))
      }
    }
  }

  /// Replaces a vector of `block` elements by its product with the matrix.
  func apply(to vector: inout [Double]) {
    let rest = block / points
    var distance = rest
    while distance < block {
      for first in stride(from: 0, to: block, by: 2 * distance) {
        for i in first..<first + distance {
          let (a, b) = (vector[i], vector[i + distance])
          vector[i] = a + b
          vector[i + distance] = a - b
        }
      }
      distance *= 2
    }
    let factor = 1 / Double(points).squareRoot()
    for i in vector.indices { vector[i] *= factor }
    guard !cosines.isEmpty else { return }
    var row = Array(repeating: 0.0, count: rest)
    for first in stride(from: 0, to: block, by: rest) {
      for c in 0..<rest {
        row[c] = (0..<rest).reduce(0) { $0 + vector[first + $1] * cosines[$1 * rest + c] }
      }
      vector.replaceSubrange(first..<first + rest, with: row)
    }
  }
}
