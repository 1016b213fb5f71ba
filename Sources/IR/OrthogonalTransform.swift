import Glibc

/// The orthogonal matrix of ``Hadamard``, and its products with many vectors.
///
/// Vectors side by side take each operation together, in the order in which one alone does, in
/// double precision. Eight rows of a fast Walsh-Hadamard transform are read and written once for
/// three of its levels.
struct OrthogonalTransform {
  /// The vectors that lie side by side, four numbers of each row: those of a cache line.
  private static let lanes = 4

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

  /// Writes `R x` of each vector `x` of `source` to its place in `target`.
  ///
  /// - Parameter inner: elements from one of a vector to the next; vectors beside each other are
  ///   neighbours then.
  func apply<S: TensorScalar>(
    to source: UnsafeBufferPointer<S>, into target: UnsafeMutableBufferPointer<S>, inner: Int
  ) {
    guard let x = source.baseAddress, let y = target.baseAddress else { return }
    let vectors = source.count / block
    // Neighbours that lie in one cache line go together.
    let panels = inner >= 4 * Self.lanes ? 4 : 1
    let memory = Rows(block: block, panels: panels)
    defer { memory.free() }
    for first in stride(from: 0, to: vectors, by: panels * Self.lanes) {
      let count = min(panels * Self.lanes, vectors - first)
      let (line, column) = first.quotientAndRemainder(dividingBy: inner)
      let isWhole = count == panels * Self.lanes && column + count <= inner && inner > 1
      let start = line * block * inner + column
      if isWhole {
        memory.load(from: x + start, inner)
      } else {
        for lane in 0..<count {
          memory.load(lane, from: x + place(first + lane, inner), inner)
        }
      }
      for panel in 0..<(count + Self.lanes - 1) / Self.lanes { apply(to: memory.panel(panel)) }
      // The cosines' rows have been multiplied by it.
      let factor = cosines.isEmpty ? self.factor : 1
      if isWhole {
        memory.store(to: y + start, inner, times: factor)
      } else {
        for lane in 0..<count {
          memory.store(lane, to: y + place(first + lane, inner), inner, times: factor)
        }
      }
    }
  }

  /// Where a vector begins: they are counted along the columns, then along blocks, then along the
  /// dimensions before.
  private func place(_ vector: Int, _ inner: Int) -> Int {
    let (line, column) = vector.quotientAndRemainder(dividingBy: inner)
    return line * block * inner + column
  }

  /// What makes the Hadamard matrix orthogonal.
  private var factor: Double { 1 / Double(size).squareRoot() }

  /// Replaces four vectors `x` by `R x`, without the factor where there are no cosines; `rows` has
  /// two numbers of each element, then the other two.
  private func apply(to rows: UnsafeMutablePointer<SIMD2<Double>>) {
    let (count, rest) = (2 * block, block / size)
    var distance = 2 * rest
    while 8 * distance <= count {
      for first in stride(from: 0, to: count, by: 8 * distance) {
        for i in first..<first + distance { Self.eight(rows + i, distance) }
      }
      distance *= 8
    }
    while 2 * distance <= count {
      for first in stride(from: 0, to: count, by: 2 * distance) {
        for i in first..<first + distance {
          let (a, b) = (rows[i], rows[i &+ distance])
          rows[i] = a + b
          rows[i &+ distance] = a - b
        }
      }
      distance *= 2
    }
    guard !cosines.isEmpty else { return }
    let factor = SIMD2(repeating: factor)
    for i in 0..<count { rows[i] *= factor }
    withUnsafeTemporaryAllocation(of: SIMD2<Double>.self, capacity: 2 * rest) { sums in
      cosines.withUnsafeBufferPointer { cosines in
        for first in stride(from: 0, to: count, by: 2 * rest) {
          let x = rows + first
          for c in 0..<rest {
            var (one, other) = (SIMD2<Double>(), SIMD2<Double>())
            for k in 0..<rest {
              let cosine = SIMD2(repeating: cosines[k &* rest &+ c])
              one += x[2 &* k] * cosine
              other += x[2 &* k &+ 1] * cosine
            }
            (sums[2 &* c], sums[2 &* c &+ 1]) = (one, other)
          }
          for i in 0..<2 * rest { x[i] = sums[i] }
        }
      }
    }
  }

  /// Three levels of the transform, of eight rows that are `d` apart.
  @inline(__always)
  private static func eight(_ x: UnsafeMutablePointer<SIMD2<Double>>, _ d: Int) {
    let (a0, a1, a2, a3) = (x[0], x[d], x[2 &* d], x[3 &* d])
    let (a4, a5, a6, a7) = (x[4 &* d], x[5 &* d], x[6 &* d], x[7 &* d])
    let (b0, b1, b2, b3) = (a0 + a1, a0 - a1, a2 + a3, a2 - a3)
    let (b4, b5, b6, b7) = (a4 + a5, a4 - a5, a6 + a7, a6 - a7)
    let (c0, c1, c2, c3) = (b0 + b2, b1 + b3, b0 - b2, b1 - b3)
    let (c4, c5, c6, c7) = (b4 + b6, b5 + b7, b4 - b6, b5 - b7)
    (x[0], x[d], x[2 &* d], x[3 &* d]) = (c0 + c4, c1 + c5, c2 + c6, c3 + c7)
    (x[4 &* d], x[5 &* d], x[6 &* d], x[7 &* d]) = (c0 - c4, c1 - c5, c2 - c6, c3 - c7)
  }

  /// Vectors in double precision: panels of four side by side.
  private struct Rows {
    private let pairs: UnsafeMutablePointer<SIMD2<Double>>
    private let block: Int
    private let panels: Int

    init(block: Int, panels: Int) {
      self.block = block
      self.panels = panels
      pairs = .allocate(capacity: 2 * block * panels)
      pairs.initialize(repeating: .zero, count: 2 * block * panels)
    }

    func free() { pairs.deallocate() }

    /// The rows of four vectors.
    func panel(_ index: Int) -> UnsafeMutablePointer<SIMD2<Double>> { pairs + 2 * block * index }

    /// The numbers of the vectors from `lane` on.
    private func numbers(_ lane: Int) -> UnsafeMutablePointer<Double> {
      UnsafeMutableRawPointer(panel(lane / lanes)).assumingMemoryBound(to: Double.self)
        + lane % lanes
    }

    /// Takes vectors that are neighbours, all that there is room for.
    func load<S: TensorScalar>(from source: UnsafePointer<S>, _ inner: Int) {
      for panel in 0..<panels {
        let (rows, x) = (numbers(panel * lanes), source + panel * lanes)
        for i in 0..<block {
          for lane in 0..<lanes {
            rows[i &* lanes &+ lane] = Double(x[i &* inner &+ lane])
          }
        }
      }
    }

    /// Takes one vector.
    func load<S: TensorScalar>(_ lane: Int, from x: UnsafePointer<S>, _ inner: Int) {
      let rows = numbers(lane)
      for i in 0..<block { rows[i &* lanes] = Double(x[i &* inner]) }
    }

    /// Hands out vectors that are neighbours.
    func store<S: TensorScalar>(
      to target: UnsafeMutablePointer<S>, _ inner: Int, times factor: Double
    ) {
      for panel in 0..<panels {
        let (rows, y) = (numbers(panel * lanes), target + panel * lanes)
        for i in 0..<block {
          for lane in 0..<lanes {
            y[i &* inner &+ lane] = S(rows[i &* lanes &+ lane] * factor)
          }
        }
      }
    }

    /// Hands out one vector.
    func store<S: TensorScalar>(
      _ lane: Int, to y: UnsafeMutablePointer<S>, _ inner: Int, times factor: Double
    ) {
      let rows = numbers(lane)
      for i in 0..<block { y[i &* inner] = S(rows[i &* lanes] * factor) }
    }
  }
}
