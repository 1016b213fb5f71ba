import Testing

@testable import Codegen
@testable import IR

/// Arm's products of bf16 against their definition, bit for bit.
@Suite struct ArmBF16Tests {
  /// The sum of two floats, what does not fit cut off and then the last bit set; results below
  /// 2^-126 are zero.
  ///
  /// `BFAdd` of the Arm Architecture Reference Manual, of finite numbers.
  static func add(_ a: Float, _ b: Float) -> Float {
    // What Double cannot hold of the sum (Knuth's TwoSum).
    let (x, y) = (Double(a), Double(b))
    let sum = x + y
    let rest = (x - (sum - (sum - x))) + (y - (sum - x))
    guard sum != 0 else { return 0 }
    var result = Float(sum)
    let over = abs(Double(result)) - abs(sum)
    let beyond = sum < 0 ? -rest : rest
    // Cut off: towards zero.
    if over > 0 || over == 0 && beyond < 0 {
      result = result.sign == .minus ? result.nextUp : result.nextDown
    }
    if Double(result) != sum || rest != 0 {
      result = Float(bitPattern: result.bitPattern | 1)
    }
    return abs(result) < 0x1p-126 ? 0 : result
  }

  /// `BFDotAdd`: the products of two bf16 are exact.
  static func dot(_ sum: Float, _ a: (Float, Float), _ b: (Float, Float)) -> Float {
    add(sum, add(a.0 * b.0, a.1 * b.1))
  }

  @Test func theDefinition() {
    #expect(Self.add(1, 0x1p-30) == 1 + Float.ulpOfOne)
    #expect(Self.add(1, -0x1p-30) == 1 - Float.ulpOfOne / 2)
    #expect(Self.add(1, -0x1p-80) == 1 - Float.ulpOfOne / 2)
    #expect(Self.add(-1, 0x1p-80) == -1 + Float.ulpOfOne / 2)
    #expect(Self.add(1, Float.ulpOfOne) == 1 + Float.ulpOfOne)
    // Odd already: less than what is cut off.
    #expect(Self.add(1 + Float.ulpOfOne, Float.ulpOfOne * 0.75) == 1 + Float.ulpOfOne)
    #expect(Self.add(0x1p-126, -0x1.8p-126) == 0)
  }

  /// Of few rows by `bfdot`, of many by `bfmmla`; an odd number of groups, one beyond a round.
  @Test(arguments: Target.arm("neon+bf16"), [4, 7, 25])
  func sums(_ target: Target, rows: Int) throws {
    let (columns, depth) = (9, 38)
    var kernel = FusedLinearKernel(
      rows: rows, columns: columns, depth: depth, aStride: depth, cStride: columns)
    kernel.operandType = .bf16
    kernel.left = .bf16
    var random = Random(state: UInt64(rows))
    // From large to tiny: what is cut off shows.
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in
        BFloat16.rounded(
          Float.random(in: -1...1, using: &random)
            * Float(sign: .plus, exponent: Int.random(in: -12...3, using: &random), significand: 1))
      }
    }
    let (x, weight) = (numbers(rows * depth), numbers(columns * depth))
    let stored = Tensor(shape: [columns, depth], values: weight).rounded(to: .bf16)
    let panels = BF16Tests.Halves(Op.pack(Pack()).evaluate([stored]).values)
    let a = BF16Tests.Halves(x)
    let c = Floats(count: rows * columns)
    let scratch = Floats(count: max(16, kernel.scratchBytes(target) / 4)) { _ in .nan }
    try NativeKernel(kernel, on: target).all(
      [
        .a: a.memory.pointer, .panels: panels.memory.pointer, .c: c.pointer, .bias: c.pointer,
        .residual: c.pointer, .scratch: scratch.pointer,
      ], count: 1)
    let chains = Tile.accumulators(forRows: rows, on: target)
    for m in 0..<rows {
      for n in 0..<columns {
        var sums = Array(repeating: Float(0), count: chains)
        for k in stride(from: 0, to: depth, by: 2) {
          let (i, j) = (m * depth + k, n * depth + k)
          let own = k / 2 % chains
          sums[own] = Self.dot(sums[own], (x[i], x[i + 1]), (weight[j], weight[j + 1]))
        }
        while sums.count > 1 {
          let half = sums.count / 2
          sums = (0..<half).map { sums[$0] + sums[$0 + half] }
        }
        #expect(c.pointer[m * columns + n].bitPattern == sums[0].bitPattern, "\(m) \(n)")
      }
    }
  }
}
