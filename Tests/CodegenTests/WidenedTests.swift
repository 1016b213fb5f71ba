import Testing

@testable import Codegen
@testable import IR

/// Operands that are widened or paired once give the bits of operands that are multiplied as they
/// are stored, which matmuls of few rows still do.
@Suite struct WidenedTests {
  /// Rows of a matmul that widens nothing.
  private static let few = 20

  @Test func whereOperandsAreWidened() {
    #expect(Self.few < Target.leastArrangedRows)
    func found(_ arrangement: Arrangement) -> [String] {
      Target.combinations.flatMap { target in
        [ElementType.f32, .bf16, .s8].filter { target.arrangement($0) == arrangement }.map {
          "\(target.shortName) \($0)"
        }
      }
    }
    let x86 = ["v2 bf16", "v2 s8", "v3 bf16", "v3 s8", "v3+avxvnni bf16", "v4 s8", "v4+bf16 s8"]
    let arm = ["neon bf16", "neon+dotprod bf16", "neon+i8mm bf16", "neon+dotprod+i8mm bf16"]
    #expect(found(.widened) == x86 + arm)
    #expect(
      found(.paired) == [
        "neon+i8mm s8", "neon+bf16 bf16", "neon+dotprod+i8mm s8", "neon+dotprod+bf16 bf16",
        "neon+i8mm+bf16 bf16", "neon+i8mm+bf16 s8", "neon+dotprod+i8mm+bf16 bf16",
        "neon+dotprod+i8mm+bf16 s8",
      ])
  }

  /// Sums of one block and of several, with a rest; depths that fill neither groups nor vectors;
  /// rows of one block and of several; left operands that are rounded, quantized, or there already.
  @Test(arguments: Target.runnableHere, [ElementType.bf16, .f16, .s8])
  func linears(_ target: Target, _ operand: ElementType) throws {
    try linears(target, operand, rows: [24, 61, 60, 230, 449, 45])
  }

  @Test(arguments: Target.arm("neon+i8mm+bf16"), [ElementType.bf16, .s8])
  func linearsOnArm(_ target: Target, _ operand: ElementType) throws {
    try linears(target, operand, rows: [24, 61, 47, 230, 26, 45])
  }

  private func linears(_ target: Target, _ operand: ElementType, rows all: [Int]) throws {
    for (index, rows) in all.enumerated() {
      let depth = [7, 64, 65, 24, 33, 3118][index]
      var kernel = FusedLinearKernel(
        rows: rows, columns: [32, 40, 33, 8, 31, 17][index], depth: depth,
        aStride: (depth + 1) / 2 * 2 + index % 3 * 2, cStride: 43,
        epsilon: index % 2 == 0 ? 1e-6 : nil, hasBias: true)
      kernel.operandType = operand
      kernel.left = index % 3 == 0 || operand == .s8 && index % 2 == 0 ? .f32 : .bf16
      if operand == .f16 { kernel.left = index % 3 == 0 ? .f32 : .f16 }
      kernel.channelStride = kernel.columns
      kernel.hadamardSize = operand == .s8 && depth % 4 == 0 ? 4 : nil
      try check(kernel, seed: UInt64(index), on: target)
    }
  }

  private func check(_ kernel: FusedLinearKernel, seed: UInt64, on target: Target) throws {
    var random = Random(state: seed)
    let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
    let x = Tensor(shape: [m, kernel.aStride], values: random.floats(m * kernel.aStride))
      .rounded(to: kernel.left)
    let a = Floats.words(x)
    let weight = Tensor(shape: [n, k], values: random.floats(n * k))
    let isInteger = kernel.operandType == .s8
    let operand =
      isInteger
      ? Op.quantize(Quantize()).evaluate([weight]) : weight.rounded(to: kernel.operandType)
    let panels = Floats.words(Op.pack(Pack()).evaluate([operand]))
    let bias = Tensor(shape: [n], values: random.floats(n))
    let factors = isInteger ? QuantizationParameters().evaluate([weight, bias]) : bias
    let f = Floats(factors.values)
    func run(_ kernel: FusedLinearKernel, from row: Int, count: Int) throws -> [UInt32] {
      let function = try NativeKernel(kernel, on: target)
      let c = Floats(count: kernel.rows * kernel.cStride) { _ in -7 }
      let scratch = Floats(count: max(16, kernel.scratchBytes(target) / 4)) { _ in .nan }
      let start = a.pointer + row * kernel.aStride * kernel.left.sizeBytes / 4
      function.all(
        [
          .a: start, .panels: panels.pointer, .c: c.pointer, .bias: f.pointer,
          .residual: f.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(c.isIntact && scratch.isIntact)
      return c.values.map(\.bitPattern)
    }
    let whole = try run(kernel, from: 0, count: 1)
    #expect(try run(kernel, from: 0, count: 3) == whole, "\(kernel)")
    var parts: [UInt32] = []
    for row in stride(from: 0, to: m, by: Self.few) {
      var part = kernel
      part.rows = min(Self.few, m - row)
      // With at most four rows sums have several accumulators.
      guard part.rows > 4 else {
        parts += whole[parts.count...]
        continue
      }
      parts += try run(part, from: row, count: 1)
    }
    #expect(parts == whole, "\(target.name) \(kernel)")
  }

  /// One block of tokens and several, an odd number of them, scores beyond the limit of the quick
  /// way; with a number added to each score and without.
  @Test(arguments: Target.runnableHere, [ElementType.bf16, .f16])
  func attentions(_ target: Target, _ element: ElementType) throws {
    for (index, tokens) in [33, 64, 197, 301, 130].enumerated() {
      let (queries, heads, headDim) = (40, 1 + index % 2, [64, 32, 72, 36, 2][index])
      let dim = heads * headDim
      let stride = 3 * dim + 16
      var kernel = AttentionKernel(
        queries: queries, tokens: tokens, heads: heads, headDim: headDim, qStride: stride,
        kStride: stride, vStride: stride, outputStride: dim, scale: index % 2 == 0 ? 1 : 0.3,
        base2: index % 2 == 0, longestBlock: index == 3 ? 128 : 2048)
      kernel.element = element
      var random = Random(state: UInt64(index))
      // With several heads, the rows of a part would lie as far apart as those of all queries.
      let isAdded = heads == 1
      if isAdded { kernel.addition = .matrix(stride: tokens, kinds: nil) }
      let numbers = random.floats(queries * tokens)
      let added = Floats(count: numbers.count) { numbers[$0] }
      var values = random.floats(max(queries, tokens) * stride)
      if index >= 3 {
        for row in 0..<tokens {
          for column in dim..<2 * dim { values[row * stride + column] *= 1 + Float(row) }
        }
      }
      let qkv = Floats.words(
        Tensor(shape: [values.count], values: values).rounded(to: element))
      func run(_ kernel: AttentionKernel, from row: Int, count: Int) throws -> [UInt32] {
        let function = try NativeKernel(kernel, on: target)
        let output = Floats(count: kernel.queries * dim / 2)
        let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
        let base = qkv.pointer
        function.all(
          [
            .q: base + row * stride / 2, .k: base + dim / 2, .v: base + dim,
            .scores: isAdded ? added.pointer + row * tokens : base,
            .rowScores: base, .columnScores: base, .output: output.pointer,
            .scratch: scratch.pointer,
          ], count: count)
        #expect(output.isIntact && scratch.isIntact)
        return output.values.map(\.bitPattern)
      }
      let whole = try run(kernel, from: 0, count: 1)
      #expect(try run(kernel, from: 0, count: 3) == whole, "\(kernel)")
      kernel.queries = Self.few
      let parts = try run(kernel, from: 0, count: 1) + run(kernel, from: Self.few, count: 1)
      #expect(parts == whole, "\(target.name) \(kernel)")
    }
  }
  @Test(arguments: Target.arm("neon+bf16"))
  func attentionsOnArm(_ target: Target) throws { try attentions(target, .bf16) }
}
