import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Products of bf16 on every target that this machine runs, with instructions for them and without,
/// and with AMX's, which are trapped where it has none.
@Suite struct BF16Tests {
  /// Numbers of bf16 in memory, two in each float; their values beside.
  struct Halves {
    let memory: Floats
    let values: [Float]

    init(_ values: [Float]) {
      self.values = values.map(BFloat16.rounded)
      var words: [Float] = []
      for first in stride(from: 0, to: values.count, by: 2) {
        let second = first + 1 < values.count ? BFloat16.bits(of: values[first + 1]) : 0
        words.append(
          Float(bitPattern: UInt32(second) << 16 | UInt32(BFloat16.bits(of: values[first]))))
      }
      memory = Floats(words)
    }
  }

  /// The element of a buffer that holds numbers of a type.
  static func element(_ type: ElementType, _ buffer: Floats, _ index: Int) -> Float {
    guard type == .bf16 else { return buffer.pointer[index] }
    let word = buffer.pointer[index / 2].bitPattern
    return BFloat16.value(of: UInt16(truncatingIfNeeded: index % 2 == 0 ? word : word >> 16))
  }

  private func check(_ kernel: FusedLinearKernel, seed: UInt64, on target: Target) throws {
    var random = Random(state: seed)
    let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
    let a = random.floats(m * kernel.aStride)
    let weight = Tensor(shape: [n, k], values: random.floats(n * k)).rounded(to: .bf16)
    let left = kernel.left == .bf16 ? Halves(a) : Halves([])
    let leftMemory = kernel.left == .bf16 ? left.memory : Floats(a)
    let leftValues = kernel.left == .bf16 ? left.values : a
    let panels = Halves(Op.pack(Pack()).evaluate([weight]).values)
    let bias = Floats(random.floats(n))
    let residual = Floats(random.floats(m * max(kernel.residualStride, n)))
    let function = try NativeKernel(kernel, on: target)
    let size = (m * kernel.cStride * kernel.result.sizeBytes + 3) / 4
    func run(count: Int) -> Floats {
      let c = Floats(count: size) { _ in -7 }
      let scratch = Floats(count: max(16, kernel.scratchBytes(target) / 4)) { _ in .nan }
      function.all(
        [
          .a: leftMemory.pointer, .panels: panels.memory.pointer, .c: c.pointer,
          .bias: bias.pointer, .residual: residual.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(c.isIntact && scratch.isIntact)
      return c
    }
    let whole = run(count: 1)
    // Half of the last place of a bf16, relative.
    let rounding = kernel.result == .bf16 ? 0x1p-8 : 0
    var worst = 0.0
    for i in 0..<m {
      let row = leftValues[i * kernel.aStride..<i * kernel.aStride + k].map(Double.init)
      let square = row.reduce(0) { $0 + $1 * $1 } / Double(k)
      let scale = kernel.epsilon.map { 1 / (square + Double($0)).squareRoot() } ?? 1
      let factors = row.map { Double(BFloat16.rounded(Float($0))) }
      for j in 0..<n {
        var y = 0.0
        for p in 0..<k { y += factors[p] * Double(weight.values[j * k + p]) }
        y *= scale
        if kernel.hasBias { y += Double(bias.pointer[j]) }
        y = kernel.activation?(y) ?? y
        if kernel.hasResidual { y += Double(residual.pointer[i * kernel.residualStride + j]) }
        let found = Self.element(kernel.result, whole, i * kernel.cStride + j)
        worst = max(worst, abs(Double(found) - y) - rounding * abs(y))
      }
      for j in n..<kernel.cStride where kernel.result == .f32 {
        #expect(whole.pointer[i * kernel.cStride + j] == -7)
      }
    }
    #expect(worst <= 6e-6 * Double(k).squareRoot() + 2e-6, "\(target.name) \(kernel)")
    for count in Target.isTrapped(target) ? [2, 3] : [2, 3, 7, 64] {
      let bits = run(count: count).values.map(\.bitPattern)
      #expect(bits == whole.values.map(\.bitPattern), "\(count) tasks: \(kernel)")
    }
  }

  /// Rows in bf16 already, and rows that are rounded; even depths and odd ones; results of both
  /// types.
  @Test(arguments: Target.multiplyingBF16 + Target.arm("neon+bf16"))
  func linears(_ target: Target) throws {
    for (index, rows) in (Array(1...16) + [29, 50, 197]).enumerated() {
      let depth = [64, 65, 7, 30, 2, 128, 1, 1538][index % 8]
      var kernel = FusedLinearKernel(
        rows: rows, columns: [32, 64, 40, 8, 33, 100, 31, 1][rows % 8], depth: depth,
        aStride: (depth + 1) / 2 * 2 + index % 3, cStride: 102, residualStride: 103,
        epsilon: index % 5 == 0 ? 1e-6 : nil, hasBias: index % 2 == 0)
      kernel.operandType = .bf16
      kernel.left = index % 2 == 0 ? .bf16 : .f32
      kernel.result = index % 3 == 0 ? .f32 : .bf16
      kernel.hasResidual = index % 6 == 0
      kernel.activation = [nil, .gelu, .quickGelu, .relu][index % 4]
      try check(kernel, seed: UInt64(rows), on: target)
    }
  }

  @Test(arguments: Target.runnableHere + Target.arm("neon+bf16"))
  func attentions(_ target: Target) throws {
    for (index, headDim) in [32, 36, 48, 64, 80, 88, 2].enumerated() {
      let tokens = [17, 50, 197, 64, 1, 33, 257][index]
      try check(
        target, queries: [tokens, 1, 30][index % 3], tokens: tokens, heads: 1 + index % 3,
        headDim: headDim, base2: index % 2 == 0)
    }
    // Several blocks, the last of them odd; scores that grow, so that the exact way is taken.
    try check(
      target, queries: 15, tokens: 301, heads: 2, headDim: 64, base2: true, longestBlock: 128)
    try check(target, queries: 15, tokens: 211, heads: 2, headDim: 64, base2: true, growth: 8)
  }

  private func check(
    _ target: Target, queries: Int, tokens: Int, heads: Int, headDim: Int, base2: Bool,
    growth: Float = 0, longestBlock: Int = 2048
  ) throws {
    let dim = heads * headDim
    let stride = 3 * dim + 16
    var kernel = AttentionKernel(
      queries: queries, tokens: tokens, heads: heads, headDim: headDim, qStride: stride,
      kStride: stride, vStride: stride, outputStride: dim + 2, base2: base2,
      longestBlock: longestBlock)
    kernel.element = .bf16
    var random = Random(state: UInt64(headDim))
    var values = random.floats(max(queries, tokens) * stride)
    for row in 0..<tokens {
      for column in dim..<2 * dim { values[row * stride + column] *= 1 + growth * Float(row) }
    }
    let qkv = Halves(values)
    func view(_ column: Int, _ count: Int) -> Tensor {
      Tensor(
        shape: [count, dim],
        values: (0..<count).flatMap { row in
          (0..<dim).map { qkv.values[row * stride + column + $0] }
        })
    }
    let expected = Attention(heads: heads, base2: base2)
      .evaluate([view(0, queries), view(dim, tokens), view(2 * dim, tokens)])
    let function = try NativeKernel(kernel, on: target)
    func run(_ count: Int) -> Floats {
      let output = Floats(count: queries * (dim + 2) / 2) { _ in -7 }
      let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
      let base = qkv.memory.pointer
      function.all(
        [
          .q: base, .k: base + dim / 2, .v: base + dim, .scores: base, .rowScores: base,
          .columnScores: base, .output: output.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(output.isIntact && scratch.isIntact)
      return output
    }
    let whole = run(1)
    var worst: Float = 0
    for row in 0..<queries {
      for column in 0..<dim {
        let found = Self.element(.bf16, whole, row * (dim + 2) + column)
        let distance = abs(found - expected.values[row * dim + column])
        worst = max(worst, distance.isFinite ? distance : .infinity)
      }
      #expect(
        Self.element(.bf16, whole, row * (dim + 2) + dim) == Self.element(.bf16, Floats([-7]), 0))
    }
    // Values and results below 1, powers and results rounded by 2^-9 each; a large score's own
    // rounding in f32 shows in its power.
    #expect(worst <= 5e-3 + growth * 1e-4, "\(target.name) \(kernel): \(worst)")
    for count in Target.isTrapped(target) ? [3] : [2, 3, 64] {
      let bits = run(count).values.map(\.bitPattern)
      #expect(bits == whole.values.map(\.bitPattern), "\(count) tasks: \(kernel)")
    }
  }

  /// Ties go to the even neighbour, overflow to infinity, and what is not a number stays so.
  @Test(arguments: Target.runnableHere + Target.arm("neon+bf16"))
  func rounding(_ target: Target) throws {
    let special: [UInt32] = [
      0x3f80_0000, 0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x3f80_7fff, 0xbf81_8000, 0x7f7f_ffff,
      0x7f80_0000, 0xff80_0000, 0x7f80_0001, 0xffff_ffff, 0x0000_0000, 0x8000_0000, 0x0080_0000,
      0x4049_0fdb, 0xc2f7_1234,
    ]
    let function = try NativeFunction(target: target) { b in
      let lanes = b.target.lanes
      _ = b.define(
        "run", Array(repeating: b.pointer, count: 8) + [b.i64, b.i64], exported: true
      ) { arguments in
        for first in stride(from: 0, to: 16, by: lanes) {
          let x = b.loadFloats(b.offset(arguments[0], bytes: first * 4), lanes, count: lanes)
          b.storeElements(.bf16, x, b.offset(arguments[1], bytes: first * 2), count: lanes)
        }
      }
    }
    let input = Floats(special.map { Float(bitPattern: $0) })
    let output = Floats(count: 8)
    function([input.pointer, output.pointer])
    for (index, bits) in special.enumerated() {
      let x = Float(bitPattern: bits)
      let found = Self.element(.bf16, output, index)
      if x.isNaN {
        #expect(found.isNaN, "\(target.name) \(String(bits, radix: 16))")
      } else {
        #expect(found == BFloat16.rounded(x), "\(target.name) \(String(bits, radix: 16))")
      }
    }
    #expect(BFloat16.rounded(1.00390625) == 1 && BFloat16.rounded(1.01171875) == 1.015625)
    #expect(BFloat16.rounded(.greatestFiniteMagnitude) == .infinity)
    #expect(BFloat16.rounded(.nan).isNaN && BFloat16.rounded(-0.0).sign == .minus)
  }
}
