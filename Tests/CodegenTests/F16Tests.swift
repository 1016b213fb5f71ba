import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Products of bf16 on every target that this machine runs, with instructions for them and without.
@Suite struct F16Tests {
  /// Numbers of bf16 in memory, two in each float; their values beside.
  struct Halves {
    let memory: Floats
    let values: [Float]

    init(_ values: [Float]) {
      self.values = values.map(F16.rounded)
      var words: [Float] = []
      for first in stride(from: 0, to: values.count, by: 2) {
        let second = first + 1 < values.count ? F16.bits(of: values[first + 1]) : 0
        words.append(
          Float(bitPattern: UInt32(second) << 16 | UInt32(F16.bits(of: values[first]))))
      }
      memory = Floats(words)
    }
  }

  /// The element of a buffer that holds numbers of a type.
  static func element(_ type: ElementType, _ buffer: Floats, _ index: Int) -> Float {
    guard type == .f16 else { return buffer.pointer[index] }
    let word = buffer.pointer[index / 2].bitPattern
    return F16.value(of: UInt16(truncatingIfNeeded: index % 2 == 0 ? word : word >> 16))
  }

  private func check(_ kernel: FusedLinearKernel, seed: UInt64, on target: Target) throws {
    var random = Random(state: seed)
    let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
    let a = random.floats(m * kernel.aStride)
    let weight = Tensor(shape: [n, k], values: random.floats(n * k)).rounded(to: .f16)
    let left = kernel.left == .f16 ? Halves(a) : Halves([])
    let leftMemory = kernel.left == .f16 ? left.memory : Floats(a)
    let leftValues = kernel.left == .f16 ? left.values : a
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
    let rounding = kernel.result == .f16 ? 0x1p-10 : 0
    var worst = 0.0
    for i in 0..<m {
      let row = leftValues[i * kernel.aStride..<i * kernel.aStride + k].map(Double.init)
      let square = row.reduce(0) { $0 + $1 * $1 } / Double(k)
      let scale = kernel.epsilon.map { 1 / (square + Double($0)).squareRoot() } ?? 1
      let factors = row.map { Double(F16.rounded(Float($0))) }
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
    for count in [2, 3, 7, 64] {
      let bits = run(count: count).values.map(\.bitPattern)
      #expect(bits == whole.values.map(\.bitPattern), "\(count) tasks: \(kernel)")
    }
  }

  /// Rows in bf16 already, and rows that are rounded; even depths and odd ones; results of both
  /// types.
  @Test(arguments: Target.runnableHere)
  func linears(_ target: Target) throws {
    for (index, rows) in (Array(1...16) + [29, 50, 197]).enumerated() {
      let depth = [64, 65, 7, 30, 2, 128, 1, 1538][index % 8]
      var kernel = FusedLinearKernel(
        rows: rows, columns: [32, 64, 40, 8, 33, 100, 31, 1][rows % 8], depth: depth,
        aStride: (depth + 1) / 2 * 2 + index % 3, cStride: 102, residualStride: 103,
        epsilon: index % 5 == 0 ? 1e-6 : nil, hasBias: index % 2 == 0)
      kernel.operandType = .f16
      kernel.left = index % 2 == 0 ? .f16 : .f32
      kernel.result = index % 3 == 0 ? .f32 : .f16
      kernel.hasResidual = index % 6 == 0
      kernel.activation = [nil, .gelu, .quickGelu, .relu][index % 4]
      try check(kernel, seed: UInt64(rows), on: target)
    }
  }

  @Test(arguments: Target.runnableHere)
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
    kernel.element = .f16
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
        let found = Self.element(.f16, whole, row * (dim + 2) + column)
        let distance = abs(found - expected.values[row * dim + column])
        worst = max(worst, distance.isFinite ? distance : .infinity)
      }
      #expect(
        Self.element(.f16, whole, row * (dim + 2) + dim) == Self.element(.f16, Floats([-7]), 0))
    }
    // Values and results below 1, powers and results rounded by 2^-9 each; a large score's own
    // rounding in f32 shows in its power.
    #expect(worst <= 5e-3 + growth * 1e-4, "\(target.name) \(kernel): \(worst)")
    for count in [2, 3, 64] {
      let bits = run(count).values.map(\.bitPattern)
      #expect(bits == whole.values.map(\.bitPattern), "\(count) tasks: \(kernel)")
    }
  }
}

private enum F16 {
  static func bits(of x: Float) -> UInt16 { Float16(x).bitPattern }
  static func value(of bits: UInt16) -> Float { Float(Float16(bitPattern: bits)) }
  static func rounded(_ x: Float) -> Float { Float(Float16(x)) }
}
