import Testing

@testable import IR

/// What operations say about themselves is true of `evaluate`, and nothing is left unsaid that it
/// shows.
@Suite struct OpFactsTests {
  typealias Sample = OpLawTests.Sample

  /// The samples that transformations of what is computed at run time meet.
  static let samples = OpLawTests.samples.filter {
    $0.op.execution != .evaluated && $0.op.execution != .input && !$0.operands.isEmpty
  }
  /// Those whose first operand and result are matrices.
  static let matrices = samples.filter {
    $0.operands[0].rank == 2 && (try? $0.op.resultTypes(of: $0.operands))?.first?.rank == 2
  }

  // MARK: Rows

  @Test(arguments: matrices)
  func `rows of the result stem from the rows named`(_ sample: Sample) throws {
    let operands = Self.tensors(sample, seed: 1)
    let whole = sample.op.evaluate(operands)
    if case .shifted(let distance) = sample.op.facts(sample.operands).rows {
      let x = operands[0]
      for row in 0..<whole.rows {
        #expect(
          Self.rows(whole, row..<row + 1) == Self.rows(x, row + distance..<row + distance + 1))
      }
      return
    }
    guard let distances = sample.op.facts(sample.operands).rows.distances(sample.operands) else {
      return
    }
    for rows in [0..<1, whole.rows - 1..<whole.rows] {
      let parts = Self.operands(operands, for: rows, distances)
      #expect(sample.op.evaluate(parts) == Self.rows(whole, rows), "rows \(rows)")
    }
  }

  @Test(arguments: matrices)
  func `what works row by row says so`(_ sample: Sample) throws {
    let operands = Self.tensors(sample, seed: 2)
    let whole = sample.op.evaluate(operands)
    guard case .all = sample.op.facts(sample.operands).rows, whole.rows == operands[0].rows else {
      return
    }
    // If it did, it would make a part of its rows from the same part of its operands'.
    let distances = Dictionary(
      uniqueKeysWithValues: operands.indices.filter { operands[$0].shape.first == whole.rows }
        .map { ($0, 0) })
    let isRowByRow = (0..<whole.rows).allSatisfy { row in
      let parts = Self.operands(operands, for: row..<row + 1, distances)
      guard (try? sample.op.resultTypes(of: parts.map(\.type))) != nil else { return false }
      return sample.op.evaluate(parts) == Self.rows(whole, row..<row + 1)
    }
    #expect(!isRowByRow)
  }

  // MARK: The residual stream

  /// With `g(d)`, the change of the result when `d` is added to the addends: `g(d R) = g(d) R` for
  /// a map `R` of the columns.
  @Test(arguments: matrices)
  func `a linear map of the addends is one of the result`(_ sample: Sample) {
    let facts = sample.op.facts(sample.operands)
    guard !facts.addends.isEmpty else { return }
    let operands = Self.tensors(sample, seed: 3)
    let changes = Self.tensors(sample, seed: 4)
    func result(_ map: (Tensor) -> Tensor) -> Tensor {
      var changed = operands
      for position in facts.addends {
        let change = map(changes[position])
        for i in change.values.indices { changed[position].values[i] += change.values[i] }
      }
      var difference = sample.op.evaluate(changed)
      let plain = sample.op.evaluate(operands)
      for i in plain.values.indices { difference.values[i] -= plain.values[i] }
      return difference
    }
    let expected = Self.mapped(result { $0 })
    let found = result(Self.mapped)
    #expect(found.shape == expected.shape)
    #expect(Self.distance(found, expected) < 1e-4)
    guard facts.work == nil else { return }
    var empty = operands
    for position in facts.addends { empty[position] = Tensor(shape: operands[position].shape) }
    #expect(sample.op.evaluate(empty).values.allSatisfy { $0 == 0 }, "the addends are not all")
  }

  // MARK: Norms

  @Test(arguments: matrices)
  func `a norm is what it says, and what is one says so`(_ sample: Sample) {
    let facts = sample.op.facts(sample.operands)
    let operands = Self.tensors(sample, seed: 5)
    let plain = sample.op.evaluate(operands)
    func distance(
      columns limit: Int = .max, _ change: (_ row: Int, Float) -> Float
    ) -> Double {
      var changed = operands
      let columns = operands[0].columns
      for i in changed[0].values.indices where i % columns < limit {
        changed[0].values[i] = change(i / columns, changed[0].values[i])
      }
      return Self.distance(sample.op.evaluate(changed), plain)
    }
    // Powers of two, so that nothing is rounded, and enough for an epsilon not to matter.
    let seesSize = distance { row, x in x * (row % 2 == 0 ? 1024 : 4096) } > 1e-3
    let seesMean = distance { row, x in x + Float(row + 1) } > 1e-3
    // What norms the parts of a row by themselves is no norm of rows.
    let half = operands[0].columns / 2
    let seesParts = distance(columns: half) { _, x in x * 1024 } > 1e-3
    #expect((facts.norm != nil) == (!seesSize && seesParts))
    if let norm = facts.norm {
      #expect(norm.ignoresMean == !seesMean)
      #expect(facts.absorbs.contains(0), "a norm absorbs errors in what it reads")
    }
  }

  // MARK: bf16, views, work

  @Test(arguments: samples)
  func `bf16 passes through what carries it`(_ sample: Sample) throws {
    let pairs = sample.operands.map { TensorType(.bf16, $0.shape) }
    guard sample.op.facts(sample.operands).carriesBF16 else { return }
    #expect(try sample.op.resultTypes(of: pairs)[0].element == .bf16)
  }

  @Test(arguments: samples)
  func `views hold the elements that they say`(_ sample: Sample) {
    guard case .view(let view) = sample.op.execution else { return }
    let operands = Self.tensors(sample, seed: 6)
    let result = sample.op.evaluate(operands)
    switch view {
    case .reshape: #expect(result.values == operands[0].values)
    case .slice(let axis, let start):
      let slice = Slice(axis: axis, start: start, count: result.shape[axis])
      #expect(slice.evaluate([operands[0]]) == result)
    case .concatenate(let axis):
      var start = 0
      for operand in operands {
        let slice = Slice(axis: axis, start: start, count: operand.shape[axis])
        #expect(slice.evaluate([result]) == operand)
        start += operand.shape[axis]
      }
    }
  }

  @Test(arguments: OpLawTests.samples)
  func `positions are those of operands`(_ sample: Sample) {
    let facts = sample.op.facts(sample.operands)
    var positions = facts.inPlace + facts.addends
    if let panels = facts.work?.panels { positions.append(panels) }
    positions += facts.rows.distances(sample.operands)?.keys.sorted() ?? []
    #expect(positions.allSatisfy { sample.operands.indices.contains($0) }, "\(positions)")
  }

  /// By hand, from the extents of the samples.
  @Test(
    arguments: [
      (Op.linear(Linear()), [.f32(2, 3), .f32(4, 3)], 48),
      (.matMul(MatMul(transposed: true)), [.f32(5, 2, 3), .f32(5, 4, 3)], 240),
      (.matMul(MatMul()), [.f32(2, 3), .f32(3, 4)], 48),
      (.patchEmbed(PatchEmbed()), [.f32(3, 5, 4), .f32(6, 3, 2, 2)], 2 * 4 * 6 * 12),
      (.conv2d(Conv2d()), [.f32(3, 5, 4), .f32(6, 3, 2, 3)], 2 * 8 * 6 * 18),
      (.attention(Attention(heads: 2)), [.f32(3, 4), .f32(2, 4), .f32(2, 4)], 2 * 2 * 3 * 2 * 4),
      (.fusedLinear(FusedLinear(columns: 5)), [.f32(2, 3), .f32(3, 3, 2)], 60),
      (
        .fusedLinear(FusedLinear(algorithm: .strassen, columns: 64)),
        [.f32(2, 32), .f32(2, 32, 32)], 2 * 2 * 64 * 32 / 8 * 7
      ),
      (
        .convolution(Convolution(width: 3, kernel: [2, 1], chunk: 2)),
        [.f32(6, 2), .f32(4, 2, 2, 1)], 2 * 3 * 4 * 4
      ),
      (
        .convolution(
          Convolution(
            width: 3, kernel: [3, 3], padding: Padding(1), algorithm: .winograd(.two), columns: 4)),
        [.f32(6, 2), .f32(1, 16, 2, 32)], 2 * 16 * 2 * 2 * 4
      ),
      (.layerNorm(LayerNorm(epsilon: 1)), [.f32(2, 3)], nil),
      (.add(Add()), [.f32(2, 3), .f32(2, 3)], nil),
    ] as [(Op, [TensorType], Int?)])
  func `multiply-adds count twice`(_ op: Op, _ operands: [TensorType], _ flops: Int?) throws {
    _ = try op.resultTypes(of: operands)
    #expect(op.facts(operands).work?.flops == flops)
  }

  // MARK: Tensors

  /// Operands of the sample's types, of numbers between -3 and 3.
  private static func tensors(_ sample: Sample, seed: Int) -> [Tensor] {
    sample.operands.enumerated().map { position, type in
      Tensor(
        shape: type.shape,
        values: (0..<type.count).map {
          Float(($0 * 37 + position * 59 + seed * 83) % 101) * 6 / 101 - 3
        }
      ).rounded(to: type.element)
    }
  }

  private static func rows(_ x: Tensor, _ rows: Range<Int>) -> Tensor {
    Slice(start: rows.lowerBound, count: rows.count).evaluate([x]).rounded(to: x.element)
  }

  /// The operands from which the rows `rows` of the result are made.
  private static func operands(
    _ operands: [Tensor], for rows: Range<Int>, _ distances: [Int: Int]
  ) -> [Tensor] {
    operands.enumerated().compactMap { position, operand in
      guard let distance = distances[position] else { return operand }
      let wanted = (rows.lowerBound - distance..<rows.upperBound - distance)
        .clamped(to: 0..<operand.rows)
      return wanted.isEmpty ? nil : Self.rows(operand, wanted)
    }
  }

  /// Each row multiplied by a fixed matrix: column `j` takes half of what the next one has.
  private static func mapped(_ x: Tensor) -> Tensor {
    var result = x
    let columns = x.columns
    for i in x.values.indices {
      let next = i - i % columns + (i % columns + 1) % columns
      result.values[i] = x.values[i] + x.values[next] / 2
    }
    return result
  }

  /// The largest difference between elements.
  private static func distance(_ a: Tensor, _ b: Tensor) -> Double {
    zip(a.values, b.values).reduce(0) { max($0, Double(abs($1.0 - $1.1))) }
  }
}
