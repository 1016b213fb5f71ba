import CWeightLoops
import Glibc

/// The orthogonal matrix of ``Hadamard``, and its products with many vectors.
///
/// Vectors side by side take each operation together, in the order in which one alone does, in
/// double precision (`CWeightLoops`). Eight rows of a fast Walsh-Hadamard transform are read and
/// written once for three of its levels.
struct OrthogonalTransform {
  /// The vectors that lie side by side, four numbers of each row.
  private static let lanes = Int(CWL_LANES)

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
      let start = place(first, inner)
      let isWhole =
        count == panels * Self.lanes && (inner == 1 || first % inner + count <= inner)
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

  /// Replaces four vectors `x` by `R x`, without the factor where there are no cosines.
  private func apply(to rows: UnsafeMutablePointer<Double>) {
    let rest = block / size
    cwl_hadamard(rows, block, rest, 0)
    guard !cosines.isEmpty else { return }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.lanes * rest) { sums in
      guard let sums = sums.baseAddress else { return }
      cwl_cosines(rows, block, cosines, rest, factor, sums, 0)
    }
  }

  /// Vectors in double precision: panels of four side by side.
  private struct Rows {
    private let numbers: UnsafeMutablePointer<Double>
    private let block: Int
    private let panels: Int

    init(block: Int, panels: Int) {
      self.block = block
      self.panels = panels
      numbers = .allocate(capacity: lanes * block * panels)
      numbers.initialize(repeating: 0, count: lanes * block * panels)
    }

    func free() { numbers.deallocate() }

    /// The rows of four vectors.
    func panel(_ index: Int) -> UnsafeMutablePointer<Double> { numbers + lanes * block * index }

    /// Takes vectors that follow each other, all that there is room for.
    func load<S: TensorScalar>(from source: UnsafePointer<S>, _ inner: Int) {
      for panel in 0..<panels {
        let (rows, x) = (self.panel(panel), source + panel * lanes)
        if let x = x.floats {
          inner == 1
            ? cwl_take_lines(rows, x, block, block, 0) : cwl_take_columns(rows, x, block, inner, 0)
        } else {
          for lane in 0..<lanes { load(panel * lanes + lane, from: x + place(lane, inner), inner) }
        }
      }
    }

    /// Takes one vector.
    func load<S: TensorScalar>(_ lane: Int, from x: UnsafePointer<S>, _ inner: Int) {
      let rows = panel(lane / lanes) + lane % lanes
      for i in 0..<block { rows[i &* lanes] = Double(x[i &* inner]) }
    }

    /// Hands out vectors that follow each other.
    func store<S: TensorScalar>(
      to target: UnsafeMutablePointer<S>, _ inner: Int, times factor: Double
    ) {
      for panel in 0..<panels {
        let (rows, y) = (self.panel(panel), target + panel * lanes)
        if let y = y.floats {
          inner == 1
            ? cwl_put_lines(y, rows, block, block, factor, 0)
            : cwl_put_columns(y, rows, block, inner, factor, 0)
        } else {
          for lane in 0..<lanes {
            store(panel * lanes + lane, to: y + place(lane, inner), inner, times: factor)
          }
        }
      }
    }

    /// Hands out one vector.
    func store<S: TensorScalar>(
      _ lane: Int, to y: UnsafeMutablePointer<S>, _ inner: Int, times factor: Double
    ) {
      let rows = panel(lane / lanes) + lane % lanes
      for i in 0..<block { y[i &* inner] = S(rows[i &* lanes] * factor) }
    }

    /// Where a vector of four that follow each other begins.
    private func place(_ lane: Int, _ inner: Int) -> Int { inner == 1 ? lane * block : lane }
  }
}
