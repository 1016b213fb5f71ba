import CWeightLoops
import Testing

/// The loops in C give the same bits with AVX2 and without it: libraries do not depend on the
/// machine that compiles them.
@Suite struct WideLoopTests {
  private static let counts = [0, 1, 3, 4, 7, 8, 9, 31, 64, 257]

  /// Numbers of many sizes and signs, with what is strange among them.
  private static let numbers: [Float] = {
    var state: UInt64 = 9
    return (0..<5000).map { i in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      if i % 97 == 5 { return [.nan, .infinity, -.infinity, -0.0, 0x1p-149][i / 97 % 5] }
      return Float(Int64(bitPattern: state) >> 40) * 0x1p-16
    }
  }()
  private static let doubles = numbers.map { Double($0) * 1.000_000_1 }

  /// Fills an array by both ways through a loop, and compares bits.
  private func areSame<T>(
    _ count: Int, _ zero: T, _ loop: (UnsafeMutablePointer<T>, Int32) -> Void
  ) -> Bool {
    let both = [Int32(0), 1].map { portable in
      var values = [T](repeating: zero, count: count + 1)
      values.withUnsafeMutableBufferPointer { buffer in
        if let first = buffer.baseAddress { loop(first, portable) }
      }
      return values.withUnsafeBytes { Array($0) }
    }
    return both[0] == both[1]
  }

  /// Two equal bits, or two that are not numbers.
  private func areSame(_ one: Double, _ other: Double) -> Bool {
    one.bitPattern == other.bitPattern || one.isNaN && other.isNaN
  }

  @Test(arguments: counts) func `loops over floats`(count: Int) {
    let x = Self.numbers
    #expect(
      areSame(count, Float(0)) { cwl_seeded($0, count, 3, 0xD1B5_4A32_D192_ED03, 0.5, 0.3, $1) })
    #expect(cwl_largest_bits(x, count, 0) == cwl_largest_bits(x, count, 1))
    #expect(areSame(cwl_integer_sum(x, count, 0.02, 0), cwl_integer_sum(x, count, 0.02, 1)))
    let bytes = (count + 3) / 4 * 12
    #expect(areSame(bytes, Int8(0)) { cwl_put_integers($0, 12, x, count, 0.7, $1) })
    #expect(areSame(count, Float(0)) { cwl_subtract($0, x, Self.doubles, count, $1) })
    #expect(areSame(count, 0.25) { cwl_add($0, x, count, $1) })
    let moments = [Int32(0), 1].map { cwl_moments(x, Self.doubles, Self.doubles, count, $0) }
    #expect(areSame(moments[0].mean, moments[1].mean))
    #expect(areSame(moments[0].variance, moments[1].variance))
  }

  @Test(arguments: [(1, 1), (4, 1), (12, 3), (64, 1), (96, 3), (160, 5)])
  func `rotations of four vectors`(count: Int, rest: Int) {
    let (x, rows) = (
      Self.numbers.map { $0.isFinite ? $0 : 1 }, Self.doubles.map { $0.isFinite ? $0 : 1 }
    )
    #expect(areSame(4 * count, 0.0) { cwl_take_lines($0, x, count, count + 3, $1) })
    #expect(areSame(4 * count, 0.0) { cwl_take_columns($0, x, count, 7, $1) })
    #expect(areSame(4 * count + 9, Float(0)) { cwl_put_lines($0, rows, count, count + 3, 0.3, $1) })
    #expect(areSame(7 * count, Float(0)) { cwl_put_columns($0, rows, count, 7, 0.3, $1) })
    #expect(
      areSame(4 * count, 0.0) { to, portable in
        to.update(from: rows, count: 4 * count)
        cwl_hadamard(to, count, rest, portable)
      })
    #expect(
      areSame(4 * count, 0.0) { to, portable in
        to.update(from: rows, count: 4 * count)
        var sums = [Double](repeating: 0, count: 4 * rest)
        cwl_cosines(to, count, x.map(Double.init), rest, 0.3, &sums, portable)
      })
  }
}
