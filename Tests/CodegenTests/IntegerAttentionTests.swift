import Testing

@testable import Codegen
@testable import IR

/// Attention of 8-bit integers on every target that this machine runs or emulates, against what the
/// operation means.
@Suite struct IntegerAttentionTests {
  /// What is different from the usual.
  private struct Case {
    var queries: Int
    var tokens: Int
    var heads = 1
    var headDim = 64
    var scale: Float = 1
    var base2 = false
    var windows = 1
    var grid: [Int]?
    /// A matrix is added to the scores.
    var hasBias = false
    var element = ElementType.f32
  }

  /// Head sizes and tokens that fill no groups, no vectors and no panels; few rows and many; a tile
  /// and several; windows, and all that may be added.
  private static let cases = [
    Case(queries: 40, tokens: 197, heads: 2, base2: true),
    Case(queries: 33, tokens: 33, heads: 3, headDim: 32, scale: 0.3),
    Case(queries: 50, tokens: 50, headDim: 72, element: .bf16),
    Case(queries: 7, tokens: 65, heads: 2, headDim: 36),
    Case(queries: 1, tokens: 31, headDim: 80, base2: true),
    Case(queries: 26, tokens: 1, headDim: 5),
    Case(queries: 31, tokens: 130, heads: 2, headDim: 6, hasBias: true),
    Case(queries: 70, tokens: 70, heads: 2, headDim: 16),
    Case(queries: 21, tokens: 21, heads: 2, headDim: 8, windows: 3, grid: [3, 7]),
    Case(queries: 35, tokens: 34, headDim: 24, windows: 2, hasBias: true, element: .bf16),
  ]

  @Test(arguments: Target.multiplyingIntegers, cases.indices)
  func equalsItsMeaning(_ target: Target, _ index: Int) throws {
    try check(Self.cases[index], target)
  }

  @Test(
    arguments: Target.arm("neon", "neon+dotprod", "neon+i8mm", "neon+dotprod+i8mm"),
    [0, 2, 3, 5, 7])
  func equalsItsMeaningOnArm(_ target: Target, _ index: Int) throws {
    try check(Self.cases[index], target)
  }

  private func check(_ test: Case, _ target: Target) throws {
    let dim = test.heads * test.headDim
    // Queries, keys and values are column views of rows of three times the dimension and a pad.
    let stride = (3 * dim + 17) / 2 * 2
    let outputStride = dim + dim % 2 + 4
    var kernel = AttentionKernel(
      queries: test.queries, tokens: test.tokens, heads: test.heads, headDim: test.headDim,
      qStride: stride, kStride: stride, vStride: stride, outputStride: outputStride,
      scale: test.scale, base2: test.base2)
    kernel.element = test.element
    kernel.windows = test.windows
    let attention = Attention(
      heads: test.heads, scale: test.scale, base2: test.base2, windows: test.windows,
      hasBias: test.hasBias, grid: test.grid, isQuantized: true)

    var random = Random(state: UInt64(test.tokens))
    let (queries, tokens) = (test.queries * test.windows, test.tokens * test.windows)
    let rows = max(queries, tokens)
    // Values have a mean that is not zero, and columns of all sizes.
    var numbers = random.floats(rows * stride)
    for i in numbers.indices where i % stride >= 2 * dim {
      numbers[i] = numbers[i] * Float(1 + i % stride % 7) + 2
    }
    let all = Tensor(shape: [rows, stride], values: numbers).rounded(to: test.element)
    func view(_ column: Int, _ count: Int) -> Tensor {
      let columns = Slice(axis: 1, start: column, count: dim).evaluate([all])
      return Slice(axis: 0, start: 0, count: count).evaluate([columns])
    }
    var added: [Tensor] = []
    func add(_ shape: [Int]) {
      added.append(Tensor(shape: shape, values: random.floats(shape.reduce(1, *))))
    }
    if test.hasBias {
      add([test.heads, test.queries, test.tokens])
      kernel.addition = .matrix(stride: test.tokens, kinds: nil)
    }
    for extent in test.grid ?? [] { add([queries, test.heads * extent]) }
    if let grid = test.grid {
      kernel.addition = .grid(
        rows: grid[0], columns: grid[1], rowStride: test.heads * grid[0],
        columnStride: test.heads * grid[1])
    }
    let expected = attention.evaluate(
      [view(0, queries), view(dim, tokens), view(2 * dim, tokens)] + added)

    let integers = IntegerAttentionKernel(attention: kernel)
    let function = try NativeKernel(integers, on: target)
    let size = test.element.sizeBytes
    let memory = size == 4 ? Floats(all.values) : Floats.words(all)
    let scores = added.map { Floats($0.values) }
    func at(_ column: Int) -> UnsafeMutablePointer<Float> {
      UnsafeMutableRawPointer(memory.pointer).advanced(by: column * size)
        .assumingMemoryBound(to: Float.self)
    }
    func run(_ count: Int) -> [Float] {
      let output = Floats(count: queries * outputStride * size / 4) { _ in -7 }
      let scratch = Floats(count: integers.scratchBytes(target) / 4) { _ in .nan }
      withExtendedLifetime((memory, scores)) {
        function.all(
          [
            .q: at(0), .k: at(dim), .v: at(2 * dim), .scores: scores.first?.pointer,
            .rowScores: scores.first?.pointer, .columnScores: scores.last?.pointer,
            .output: output.pointer, .scratch: scratch.pointer,
          ], count: count)
      }
      #expect(output.isIntact && scratch.isIntact)
      guard size == 2 else { return output.values }
      return output.values.flatMap {
        [Float(bitPattern: $0.bitPattern << 16), Float(bitPattern: $0.bitPattern & 0xffff_0000)]
      }
    }
    let whole = run(1)
    var (difference, norm) = (0.0, 0.0)
    for row in 0..<queries {
      for column in 0..<dim {
        let wanted = Double(expected.values[row * dim + column])
        let found = Double(whole[row * outputStride + column])
        difference += (found - wanted) * (found - wanted)
        norm += wanted * wanted
      }
    }
    // A power or a value in the middle of two integers may go to either; bf16 rounds besides.
    let error = (difference / norm).squareRoot()
    #expect(error < (size == 4 ? 1e-4 : 4e-3), "\(target.name) \(test): \(error)")
    for count in [2, 3, 7] { #expect(run(count) == whole, "\(count) tasks: \(test)") }
  }

  /// What is not finite shows in all that reads it.
  @Test(arguments: Target.runnableHere, [Float.nan, .infinity])
  func whatIsNotFiniteShows(_ target: Target, _ number: Float) throws {
    let kernel = IntegerAttentionKernel(
      attention: AttentionKernel(
        queries: 30, tokens: 30, heads: 1, headDim: 8, qStride: 8, kStride: 8, vStride: 8,
        outputStride: 8))
    let function = try NativeKernel(kernel, on: target)
    for spoiled in 0..<3 {
      var random = Random(state: 3)
      let operands = (0..<3).map { index in
        var values = random.floats(30 * 8)
        if index == spoiled { values[5 * 8 + 2] = number }
        return Floats(values)
      }
      let output = Floats(count: 30 * 8)
      let scratch = Floats(count: kernel.scratchBytes(target) / 4)
      withExtendedLifetime(operands) {
        function.all(
          [
            .q: operands[0].pointer, .k: operands[1].pointer, .v: operands[2].pointer,
            .scores: nil, .rowScores: nil, .columnScores: nil, .output: output.pointer,
            .scratch: scratch.pointer,
          ], count: 1)
      }
      for (index, value) in output.values.enumerated() {
        // A query is its row's alone, a value its column's; a key is everybody's.
        let isReached = [index / 8 == 5, true, index % 8 == 2][spoiled]
        #expect(value.isFinite != isReached, "operand \(spoiled), \(index / 8), \(index % 8)")
      }
    }
  }
}
