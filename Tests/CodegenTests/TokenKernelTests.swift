import Testing

@testable import Codegen
@testable import IR

/// The look-up of tokens' rows and the choice of a token's row, on every target that this machine
/// runs.
@Suite struct TokenKernelTests {
  /// Tokens as they lie in memory: their bits in place of floats.
  private func memory(_ ids: [Int32]) -> Floats {
    Floats(ids.map { Float(bitPattern: UInt32(bitPattern: $0)) })
  }

  private func tensor(_ ids: [Int32]) -> Tensor {
    Tensor(shape: [ids.count], values: ids.map { Float($0) }).rounded(to: .i32)
  }

  @Test(arguments: Target.runnableHere)
  func `a token's row is read, and nothing beyond the table`(_ target: Target) throws {
    for (columns, vocabulary) in [(1, 1), (5, 7), (16, 3), (100, 13)] {
      var random = Random(state: UInt64(columns))
      let ids: [Int32] =
        [0, Int32(vocabulary - 1), -1, .min, .max, Int32(vocabulary)]
        + (0..<5).map { Int32($0 % vocabulary) }
      let kernel = EmbeddingKernel(
        rows: ids.count, vocabulary: vocabulary, columns: columns, tableStride: columns,
        outputStride: columns + 3)
      let table = random.floats(vocabulary * columns)
      let expected = Op.embedding(Embedding()).evaluate([
        Tensor(shape: [vocabulary, columns], values: table), tensor(ids),
      ])
      let function = try NativeKernel(kernel, on: target)
      for count in [1, 2, 3, 64] {
        let (operand, tokens) = (Floats(table), memory(ids))
        let output = Floats(count: ids.count * (columns + 3)) { _ in -7 }
        function.all(
          [.table: operand.pointer, .ids: tokens.pointer, .output: output.pointer], count: count)
        #expect(output.isIntact)
        for row in ids.indices {
          let line = output.values[row * (columns + 3)..<(row + 1) * (columns + 3)]
          let wanted = expected.values[row * columns..<(row + 1) * columns] + [-7, -7, -7]
          #expect(Array(line) == Array(wanted), "\(target.name) row \(row), \(count) tasks")
        }
      }
    }
  }

  @Test(
    arguments: Target.runnableHere,
    [
      ([3], nil), ([5, 9, 9, 2], nil), ([9, 1, 9], nil), ([-5, -2, -2], nil), ([1, 3, 3], 3),
      ([4, 1, 2], 3), ([3, 3], 3),
    ] as [([Int32], Int?)])
  func `the row of a token is the first one`(_ target: Target, _ ids: ([Int32], Int?)) throws {
    let (tokens, token) = ids
    let columns = 21
    var random = Random(state: UInt64(tokens.count))
    let x = random.floats(tokens.count * columns)
    let expected = Op.pickRow(PickRow(token: token)).evaluate([
      Tensor(shape: [tokens.count, columns], values: x), tensor(tokens),
    ])
    let kernel = PickRowKernel(
      rows: tokens.count, columns: columns, token: token, xStride: columns)
    let function = try NativeKernel(kernel, on: target)
    for count in [1, 2, 64] {
      let (operand, ids) = (Floats(x), memory(tokens))
      let output = Floats(count: columns) { _ in -7 }
      function.all(
        [.x: operand.pointer, .ids: ids.pointer, .output: output.pointer], count: count)
      #expect(output.isIntact && output.values == expected.values, "\(target.name)")
    }
  }
}
