import Glibc
import Testing

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

  private func check(
    _ target: Target, queries: Int, tokens: Int, heads: Int, headDim: Int, base2: Bool,
    scale: Float
  ) throws {
    let dim = heads * headDim
    // Queries, keys and values are column views of rows of three times the dimension and a pad.
    let stride = 3 * dim + 16
    let kernel = AttentionKernel(
      queries: queries, tokens: tokens, heads: heads, headDim: headDim, qStride: stride,
      kStride: stride, vStride: stride, outputStride: dim + 3, scale: scale, base2: base2)
    var random = Random(state: UInt64(headDim))
    let rows = max(queries, tokens)
    let qkv = Floats(random.floats(rows * stride))
    func view(_ column: Int, _ count: Int) -> Tensor {
      Tensor(
        shape: [count, dim],
        values: (0..<count).flatMap { row in
          (0..<dim).map { qkv.pointer[row * stride + column + $0] }
        })
    }
    let expected = Attention(heads: heads, scale: scale, base2: base2)
      .evaluate([view(0, queries), view(dim, tokens), view(2 * dim, tokens)])
    let function = try NativeFunction(target: target) { b in
      b.exportAsRun(kernel.function(b), pointers: 5)
    }
    func run(_ count: Int) -> [Float] {
      let output = Floats(count: queries * (dim + 3)) { _ in -7 }
      let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
      function.all(
        [
          qkv.pointer, qkv.pointer + dim, qkv.pointer + 2 * dim, output.pointer, scratch.pointer,
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
    #expect(worst <= 3e-6, "\(target.name) \(kernel)")
    for count in [2, 3, 7, 64] { #expect(run(count) == whole, "\(count) tasks: \(kernel)") }
  }
}
