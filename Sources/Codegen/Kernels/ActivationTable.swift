import IR

/// An activation by table, for results that are rounded to bf16 next: its errors are well below
/// those of the rounding.
///
/// Gates are `f(x) = max(x, 0) - g(|x|)` with `g(a) = a - f(a)`, which falls to nothing. `g` is a
/// parabola in each of 32 segments around the multiples of `width`, through its values at the
/// Chebyshev nodes; AVX-512 looks the coefficients up in two registers each. In the first segment
/// it goes through 0, so that small `x` keep their relative precision.
///
/// The polynomial of `geluErf` takes 17 multiply-adds, which are what an epilogue waits for; this
/// takes 3, and 3 permutations. ViT-B/16 in int8 on one core of Zen 4: 1.0 % faster.
struct ActivationTable {
  static let segments = 32
  /// The distance of two segments' middles.
  let width: Double
  /// The coefficients of each segment, constant first.
  let coefficients: [[Float]]

  /// The largest `|x|` that is told apart: just before the end of the last segment, which would be
  /// rounded to the next one, the first of the table.
  var end: Double { (Double(Self.segments) - 0.51) * width }

  /// `nil` where the function is no gate that a table of this size serves.
  init?(_ function: ActivationFunction) {
    switch function {
    // Errors at most 1.4e-5, and 5.5e-6 beyond the end.
    case .gelu, .geluTanh: width = 0.15
    // Errors at most 7.2e-5, and 1.2e-5 beyond the end.
    case .quickGelu: width = 0.25
    case .silu, .relu, .tanh: return nil
    }
    let width = width
    coefficients = (0..<Self.segments).map { segment in
      let (first, last) = (max(0, (Double(segment) - 0.5) * width), (Double(segment) + 0.5) * width)
      let (middle, radius) = ((first + last) / 2, (last - first) / 2)
      let nodes =
        segment == 0
        ? [0, middle, last] : [-1.0, 0, 1].map { middle + $0 * radius * 0.75.squareRoot() }
      return Self.parabola(nodes, nodes.map { $0 - function($0) }).map { Float($0) }
    }
  }

  /// The parabola through three points, by divided differences.
  private static func parabola(_ x: [Double], _ y: [Double]) -> [Double] {
    let first = (y[1] - y[0]) / (x[1] - x[0])
    let second = ((y[2] - y[1]) / (x[2] - x[1]) - first) / (x[2] - x[0])
    return [
      y[0] - x[0] * first + x[0] * x[1] * second, first - (x[0] + x[1]) * second, second,
    ]
  }
}

extension Builder {
  /// Applies an activation by its table; `nil`: there is none for it, or the target has no
  /// instructions for look-ups.
  func activateByTable(_ activation: ActivationFunction?, _ x: Value) -> Value? {
    guard target.vectorUnit == "avx512", lanes(of: x) == 16,
      let table = activation.flatMap(ActivationTable.init)
    else { return nil }
    let end = floats(Float(table.end), 16)
    // The smaller magnitude of both, without its sign.
    let magnitude = intrinsic(
      "llvm.x86.avx512.mask.range.ps.512", [],
      [x, end, constant32(0b1010), x, allLanes, constant32(4)])
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    let place = bitcast(
      multiplyAdd(magnitude, floats(Float(1 / table.width), 16), floats(12_582_912, 16)),
      to: vector(16, of: i32))
    let found = (0..<3).map { power in
      let halves = [0, 16].map { first in
        constantVector((first..<first + 16).map { float(table.coefficients[$0][power]) })
      }
      return intrinsic(
        "llvm.x86.avx512.vpermi2var.ps.512", [], [halves[0], place, halves[1]])
    }
    let tail = multiplyAdd(multiplyAdd(found[2], magnitude, found[1]), magnitude, found[0])
    // What is not a number stays so.
    return subtractFloat(maximumFloat(floats(0, 16), x), tail)
  }
}
