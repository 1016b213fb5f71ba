import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Attention for many head sizes and token counts on every target that this machine runs.
@Suite struct AttentionTests {
  @Test(arguments: Target.runnableHere)
  func headDimensions(_ target: Target) throws {
    for (index, headDim) in [32, 36, 48, 64, 72, 80, 88, 96, 104, 112, 128, 5].enumerated() {
      let tokens = [17, 50, 197, 64, 1, 33, 257, 5, 16, 65, 31, 2][index]
      let queries = [tokens, 1, tokens, 30, 3, 33][index % 6]
      try check(
        target, queries: queries, tokens: tokens, heads: 1 + index % 3, headDim: headDim,
        base2: index % 2 == 0, scale: index % 4 < 2 ? 1 : 0.3)
    }
  }

  /// Several blocks of tokens: whole ones and a ragged last, maxima that come early and late, rows
  /// whose later blocks make all earlier ones vanish, powers beyond the limit of the quick way.
  @Test(arguments: Target.runnableHere)
  func streaming(_ target: Target) throws {
    for (index, tokens) in [256, 257, 288, 512, 530, 801].enumerated() {
      try check(
        target, queries: [20, 1, 15, 3][index % 4], tokens: tokens, heads: 1 + index % 2,
        headDim: [64, 36, 80][index % 3], base2: index % 2 == 0, scale: 0.5,
        growth: [0, 0.01, -0.001, 0.1, 0, 0.5][index], longestBlock: [128, 256, 96][index % 3])
    }
  }

  /// One block of many tokens whose first scores are far below the largest.
  @Test(arguments: Target.runnableHere)
  func latePeaks(_ target: Target) throws {
    for (index, growth) in [Float(0.05), 0.5, 5].enumerated() {
      try check(
        target, queries: 17, tokens: 209 + index, heads: 2, headDim: 64, base2: index == 1,
        scale: 1, growth: growth)
    }
  }

  /// What is added to the scores, the same in all windows or for their kinds, or by rows and
  /// columns of a grid: of one block of tokens and several, with few queries and many, powers
  /// within the limit and beyond.
  @Test(arguments: Target.runnableHere)
  func additions(_ target: Target) throws {
    for (index, added) in [
      Added.matrix, .matrixOfKinds([1, 3]), .grid([3, 7]), .grid([7, 33]), .matrix,
      .grid([20, 15]), .matrixOfKinds([3, 3]), .none, .matrixOfKinds([2, 1]),
    ].enumerated() {
      let tokens: Int
      if case .grid(let grid) = added {
        tokens = grid[0] * grid[1]
      } else {
        tokens = index == 8 ? 49 : 37 + 90 * index
      }
      try check(
        target, queries: [tokens, 15, 1, 30][index % 4], tokens: tokens, heads: 1 + index % 3,
        headDim: [32, 36, 64, 5][index % 4], base2: index % 2 == 0, scale: index % 4 < 2 ? 1 : 0.3,
        growth: [0, 0, 0, 0, 0.5, 0, 0.5, 0, 0][index], longestBlock: index < 4 ? 2048 : 96,
        windows: [1, 3, 2, 1, 1, 2, 9, 4, 2][index], added: added)
    }
  }

  /// What is added by relative places, as the operation says: with a token before them or windows
  /// with seams along each axis and along both, in one block of tokens and several, of few rows
  /// and many, powers within the limit and beyond.
  @Test(arguments: Target.runnableHere)
  func relativePlaces(_ target: Target) throws {
    for (index, places) in [
      RelativePlaces(grid: [3, 7]), RelativePlaces(grid: [7, 33], hasPrefix: true),
      RelativePlaces(grid: [4, 5], windows: [2, 3], shift: [1, 2], separation: 3),
      RelativePlaces(grid: [20, 15], windows: [1, 2], shift: [0, 14], separation: 3),
      RelativePlaces(grid: [17, 1], windows: [2, 1], shift: [8, 0]),
      RelativePlaces(grid: [1, 1], hasPrefix: true), RelativePlaces(grid: [16, 16]),
    ].enumerated() {
      try check(
        target, queries: places.tokens, tokens: places.tokens, heads: 1 + index % 3,
        headDim: [32, 36, 64, 5][index % 4], base2: index % 2 == 0, scale: index % 4 < 2 ? 1 : 0.3,
        growth: index == 3 ? 0.5 : 0, longestBlock: index == 3 ? 96 : 2048,
        windows: [2, 1, 6, 2, 2, 1, 3][index], added: .places(places))
    }
  }

  /// Causal: tiles that read a panel, several and all; one query; rows whose later tokens are far
  /// larger, which must not show, within the limit of the quick way and beyond; blocks of tokens.
  @Test(arguments: Target.runnableHere)
  func causal(_ target: Target) throws {
    for (index, tokens) in [77, 64, 33, 32, 1, 3, 15, 130, 290, 301].enumerated() {
      try check(
        target, queries: tokens, tokens: tokens, heads: 1 + index % 3,
        headDim: [64, 32, 36, 5][index % 4], base2: index % 2 == 0, scale: index % 4 < 2 ? 1 : 0.3,
        growth: [0, 0.5, 0, 5, 0, 1, 0.1, 0, 0.2, 0.5][index],
        longestBlock: index == 9 ? 96 : 2048, isCausal: true)
    }
  }

  /// What is added to the scores of a test.
  private enum Added {
    case none
    case matrix
    case matrixOfKinds([Int])
    case grid([Int])
    case places(RelativePlaces)
  }

  private func check(
    _ target: Target, queries: Int, tokens: Int, heads: Int, headDim: Int, base2: Bool,
    scale: Float, growth: Float = 0, longestBlock: Int = 2048, windows: Int = 1,
    added: Added = .none, isCausal: Bool = false
  ) throws {
    let dim = heads * headDim
    // Queries, keys and values are column views of rows of three times the dimension and a pad.
    let stride = 3 * dim + 16
    var kernel = AttentionKernel(
      queries: queries, tokens: tokens, heads: heads, headDim: headDim, qStride: stride,
      kStride: stride, vStride: stride, outputStride: dim + 3, scale: scale, base2: base2,
      longestBlock: longestBlock)
    kernel.windows = windows
    kernel.isCausal = isCausal
    var attention = Attention(
      heads: heads, scale: scale, base2: base2, windows: windows, isCausal: isCausal)
    var random = Random(state: UInt64(headDim))
    let rows = max(queries, tokens) * windows
    var operands: [Tensor] = []
    switch added {
    case .none: break
    case .matrix, .matrixOfKinds:
      if case .matrixOfKinds(let windows) = added { attention.kinds = WindowKinds(windows) }
      kernel.addition = .matrix(stride: tokens, kinds: attention.kinds)
      attention.hasBias = true
      let maps = heads * (attention.kinds?.count ?? 1)
      operands = [
        Tensor(shape: [maps, queries, tokens], values: random.floats(maps * queries * tokens))
      ]
    case .grid(let grid):
      kernel.addition = .grid(
        rows: grid[0], columns: grid[1], rowStride: heads * grid[0], columnStride: heads * grid[1])
      attention.grid = grid
      operands = grid.map { extent in
        let shape = [queries * windows, heads * extent]
        return Tensor(shape: shape, values: random.floats(shape[0] * shape[1]))
      }
    case .places(let places):
      kernel.addition = .places(places, stride: places.tableCount)
      attention.places = places
      let shape = [heads, places.tableCount]
      operands = [Tensor(shape: shape, values: random.floats(shape[0] * shape[1]))]
    }
    let scores = operands.map { Floats($0.values) }
    let qkv = Floats(random.floats(rows * stride))
    for row in 0..<tokens * windows {
      for column in dim..<2 * dim {
        qkv.pointer[row * stride + column] *= 1 + growth * Float(row)
      }
    }
    func view(_ column: Int, _ count: Int) -> Tensor {
      Tensor(
        shape: [count, dim],
        values: (0..<count).flatMap { row in
          (0..<dim).map { qkv.pointer[row * stride + column + $0] }
        })
    }
    let expected = attention.evaluate(
      [view(0, queries * windows), view(dim, tokens * windows), view(2 * dim, tokens * windows)]
        + operands)
    let function = try NativeKernel(kernel, on: target)
    func run(_ count: Int) -> [Float] {
      let output = Floats(count: windows * queries * (dim + 3)) { _ in -7 }
      let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
      function.all(
        [
          .q: qkv.pointer, .k: qkv.pointer + dim, .v: qkv.pointer + 2 * dim,
          .scores: scores.first?.pointer, .rowScores: scores.first?.pointer,
          .columnScores: scores.last?.pointer,
          .output: output.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(output.isIntact && scratch.isIntact)
      return output.values
    }
    let whole = run(1)
    var worst: Float = 0
    for row in 0..<queries * windows {
      for column in 0..<dim {
        let found = whole[row * (dim + 3) + column]
        worst = max(worst, abs(found - expected.values[row * dim + column]))
        if !found.isFinite { worst = .infinity }
      }
      for column in dim..<dim + 3 { #expect(whole[row * (dim + 3) + column] == -7) }
    }
    // A score is off by some units of its last place, and its power by as much, relatively.
    let largest =
      scale
      * largestScore(view(0, queries * windows), view(dim, tokens * windows), headDim: headDim)
    #expect(worst <= 3e-6 + 1e-7 * largest, "\(target.name) \(kernel)")
    for count in [2, 3, 7, 64] { #expect(run(count) == whole, "\(count) tasks: \(kernel)") }
  }

  /// The largest magnitude of a product of a query with a key.
  private func largestScore(_ queries: Tensor, _ keys: Tensor, headDim: Int) -> Float {
    let dim = queries.shape[1]
    var largest: Float = 0
    for query in 0..<queries.shape[0] {
      for key in 0..<keys.shape[0] {
        for head in stride(from: 0, to: dim, by: headDim) {
          let product = (head..<head + headDim).reduce(0) {
            $0 + queries.values[query * dim + $1] * keys.values[key * dim + $1]
          }
          largest = max(largest, abs(product))
        }
      }
    }
    return largest
  }
}
