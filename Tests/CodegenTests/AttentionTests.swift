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

  private func check(
    _ target: Target, queries: Int, tokens: Int, heads: Int, headDim: Int, base2: Bool,
    scale: Float, growth: Float = 0, longestBlock: Int = 2048
  ) throws {
    let dim = heads * headDim
    // Queries, keys and values are column views of rows of three times the dimension and a pad.
    let stride = 3 * dim + 16
    let kernel = AttentionKernel(
      queries: queries, tokens: tokens, heads: heads, headDim: headDim, qStride: stride,
      kStride: stride, vStride: stride, outputStride: dim + 3, scale: scale, base2: base2,
      longestBlock: longestBlock)
    var random = Random(state: UInt64(headDim))
    let rows = max(queries, tokens)
    let qkv = Floats(random.floats(rows * stride))
    for row in 0..<tokens {
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
    let expected = Attention(heads: heads, scale: scale, base2: base2)
      .evaluate([view(0, queries), view(dim, tokens), view(2 * dim, tokens)])
    let function = try NativeKernel(kernel, on: target)
    func run(_ count: Int) -> [Float] {
      let output = Floats(count: queries * (dim + 3)) { _ in -7 }
      let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
      function.all(
        [
          .q: qkv.pointer, .k: qkv.pointer + dim, .v: qkv.pointer + 2 * dim,
          .output: output.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(output.isIntact && scratch.isIntact)
      return output.values
    }
    let whole = run(1)
    var worst: Float = 0
    for row in 0..<queries {
      for column in 0..<dim {
        let found = whole[row * (dim + 3) + column]
        worst = max(worst, abs(found - expected.values[row * dim + column]))
        if !found.isFinite { worst = .infinity }
      }
      for column in dim..<dim + 3 { #expect(whole[row * (dim + 3) + column] == -7) }
    }
    // A score is off by some units of its last place, and its power by as much, relatively.
    let largest = largestScore(view(0, queries), view(dim, tokens), headDim: headDim) * scale
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
