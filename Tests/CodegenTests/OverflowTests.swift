import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Sums that leave the range of floats are not a number in the result: a finite answer would be
/// wrong, and nobody would notice.
///
/// PyTorch's norms give zeros there, `1 / sqrt(inf)`, which the shift behind them then hides.
@Suite struct OverflowTests {
  /// Its square is 1.7e38, and that of two of them already too large for a float.
  private static let large: Float = 1.3e19
  private static let shape = [5, 40]

  /// Rows of ordinary numbers, of which row 2 has a few that are large.
  private func rows(_ value: Float, seed: UInt64 = 3) -> Tensor {
    var random = Random(state: seed)
    var x = Tensor(shape: Self.shape, values: random.floats(200))
    for column in [3, 17, 38] { x.values[2 * 40 + column] = column == 17 ? -value : value }
    return x
  }

  /// Checks that of the results only those of row 2 are not a number, and that the others do not
  /// change.
  private func check(
    _ op: Op, _ others: [Tensor], on target: Target,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let step = try StepRun(op, [Self.shape] + others.map(\.shape), on: target)
    func result(_ x: Tensor) throws -> Tensor {
      try step.result([x] + others, 2, sourceLocation: sourceLocation)
    }
    let (usual, found) = (try result(rows(1)), try result(rows(Self.large)))
    for (index, (y0, y)) in zip(usual.values, found.values).enumerated() {
      let isBad = index / found.columns == 2
      #expect(
        isBad ? y.isNaN : y.bitPattern == y0.bitPattern, "\(target.name) \(op): \(index) is \(y)",
        sourceLocation: sourceLocation)
    }
    // Below, where all sums are finite, the result is right.
    let finite = rows(1e18)
    let expected = op.evaluate([finite] + others)
    for (y, y0) in zip(try result(finite).values, expected.values) {
      #expect(
        abs(y - y0) <= 2e-5 * max(1, abs(y0)), "\(target.name) \(op)",
        sourceLocation: sourceLocation)
    }
  }

  private func vector(_ count: Int, seed: UInt64) -> Tensor {
    var random = Random(state: seed)
    return Tensor(shape: [count], values: random.floats(count))
  }

  @Test(arguments: Target.runnableHere)
  func normsOfRows(_ target: Target) throws {
    let (gamma, beta) = (vector(40, seed: 1), vector(40, seed: 2))
    try check(.layerNorm(LayerNorm(epsilon: 1e-6)), [], on: target)
    try check(.layerNorm(LayerNorm(epsilon: 1e-6)), [gamma, beta], on: target)
    try check(.rmsNorm(RMSNorm(epsilon: 1e-6)), [], on: target)
    try check(.rmsNorm(RMSNorm(epsilon: 1e-6)), [gamma], on: target)
    try check(.l2Norm(L2Norm(heads: 1, epsilon: 1e-12)), [], on: target)
    try check(.l2Norm(L2Norm(heads: 1, epsilon: 1e-12)), [vector(1, seed: 3)], on: target)
  }

  /// A norm that a product begins with, with all that may follow it.
  @Test(arguments: Target.runnableHere)
  func normsBeforeProducts(_ target: Target) throws {
    var random = Random(state: 9)
    let weight = Tensor(shape: [33, 40], values: random.floats(33 * 40))
    let packed = Op.pack(Pack()).evaluate([weight])
    let residual = Tensor(shape: [5, 33], values: random.floats(5 * 33))
    for bits in 0..<8 {
      let op = FusedLinear(
        prologue: Prologue(epsilon: 1e-6),
        epilogue: IR.Epilogue(
          hasBias: bits & 1 != 0, activation: bits & 2 != 0 ? .gelu : nil,
          hasResidual: bits & 4 != 0), columns: 33)
      try check(
        .fusedLinear(op),
        [packed] + (bits & 1 != 0 ? [vector(33, seed: 4)] : []) + (bits & 4 != 0 ? [residual] : []),
        on: target)
    }
  }

  /// The same by Strassen's algorithm, where a row has a partner that its sums spoil too.
  @Test(arguments: Target.runnableHere)
  func normsBeforeFastProducts(_ target: Target) throws {
    let kernel = StrassenKernel(
      rows: 10, columns: 64, depth: 32, aStride: 32, cStride: 64, epsilon: 1e-6, hasBias: true)
    var random = Random(state: 5)
    var x = random.floats(320)
    for column in 0..<4 { x[3 * 32 + column] = Self.large }
    let panels = Floats(
      Pack().evaluate([Tensor(shape: [64, 32], values: random.floats(64 * 32))]).values)
    let (a, bias, c) = (Floats(x), Floats(random.floats(64)), Floats(count: 640))
    let scratch = Floats(count: kernel.scratchBytes(target) / 4)
    try NativeKernel(kernel, on: target).all(
      [
        .a: a.pointer, .panels: panels.pointer, .c: c.pointer, .bias: bias.pointer,
        .residual: bias.pointer, .scratch: scratch.pointer,
      ], count: 2)
    for (index, y) in c.values.enumerated() {
      #expect(y.isFinite == ![3, 8].contains(index / 64), "\(target.name): \(index) is \(y)")
    }
  }

  /// Rows that are rounded to bf16 or quantized for the product.
  @Test(arguments: Target.runnableHere)
  func normsOfPreparedRows(_ target: Target) throws {
    for type in [ElementType.bf16, .s8] {
      var kernel = FusedLinearKernel(
        rows: 5, columns: 33, depth: 40, aStride: 40, cStride: 33, epsilon: 1e-6, hasBias: true)
      kernel.operandType = type
      kernel.channelStride = 33
      var random = Random(state: 8)
      let weight = Tensor(shape: [33, 40], values: random.floats(33 * 40))
      let bias = vector(33, seed: 6)
      let integers = Op.quantize(Quantize()).evaluate([weight])
      let stored = Op.pack(Pack()).evaluate([type == .s8 ? integers : weight.rounded(to: .bf16)])
      let panels = stored.withStoredBytes { bytes in
        Floats(count: (bytes.count + 3) / 4) { word in
          let rest = bytes[(word * 4)...].prefix(4)
          return Float(bitPattern: rest.reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
      }
      let quantization = type == .s8 ? QuantizationParameters().evaluate([weight, bias]) : bias
      let function = try NativeKernel(kernel, on: target)
      func run(_ x: Tensor) -> [Float] {
        let (a, f, c) = (Floats(x.values), Floats(quantization.values), Floats(count: 5 * 33))
        let scratch = Floats(count: kernel.scratchBytes(target) / 4)
        function.all(
          [
            .a: a.pointer, .panels: panels.pointer, .c: c.pointer, .bias: f.pointer,
            .residual: f.pointer, .scratch: scratch.pointer,
          ], count: 2)
        return c.values
      }
      let usual = run(rows(1))
      for (index, y) in run(rows(Self.large)).enumerated() {
        #expect(
          index / 33 == 2 ? y.isNaN : y == usual[index], "\(target.name) \(type): \(index) is \(y)")
      }
    }
  }

  /// Group norms, by their own kernel and from moments: a group that is too large spoils itself
  /// only.
  @Test(arguments: Target.runnableHere)
  func normsOfGroups(_ target: Target) throws {
    var random = Random(state: 12)
    var x = Tensor(shape: [50, 12], values: random.floats(600))
    // A group whose squares are too large, and one whose sums are.
    for row in 0..<50 {
      for column in 4..<6 { x.values[row * 12 + column] *= 4e19 }
      x.values[row * 12 + 9] = 3e38
    }
    let (gamma, beta) = (vector(12, seed: 1), vector(12, seed: 2))
    func check(_ found: Tensor, _ what: String) {
      for (index, y) in found.values.enumerated() {
        let group = index % 12 / 4
        #expect(y.isFinite == (group == 0), "\(target.name) \(what): \(index) is \(y)")
      }
    }
    let norm = Op.groupNorm(GroupNorm(groups: 3, epsilon: 1e-5))
    let whole = try StepRun(norm, [[50, 12], [12], [12]], on: target)
    check(try whole.result([x, gamma, beta], 2), "group_norm")
    let evo = Op.evoNorm(EvoNorm(groups: 3, epsilon: 1e-5))
    let gated = try StepRun(evo, [[50, 12], [12], [12], [12]], on: target)
    check(try gated.result([x, gamma, beta, gamma], 2), "evo_norm")
    let response = Op.filterResponseNorm(FilterResponseNorm(epsilon: 1e-5))
    let columns = try StepRun(response, [[50, 12], [12], [12], [12]], on: target)
    for (index, y) in try columns.result([x, gamma, beta, gamma], 2).values.enumerated() {
      let isLarge = [4, 5, 9].contains(index % 12)
      #expect(y.isFinite != isLarge, "\(target.name) filter_response_norm: \(index) is \(y)")
    }

    let moments = try StepRun(.moments(Moments(chunk: 16)), [[50, 12]], on: target)
    let found = try moments.result([x], 2)
    let scaleShift = Op.groupScaleShift(
      GroupScaleShift(groups: 3, epsilon: 1e-5, rows: 50, chunk: 16))
    let step = try StepRun(scaleShift, [found.shape, [12], [12]], on: target)
    let pair = try step.result([found, gamma, beta], 2)
    check(Tensor(shape: [1, 12], values: Array(pair.values[..<12])), "scales")
    check(Tensor(shape: [1, 12], values: Array(pair.values[12...])), "shifts")
  }

  /// Logits that are large are no sum that overflows; infinite ones are, as in PyTorch.
  @Test(arguments: Target.runnableHere)
  func softmax(_ target: Target) throws {
    let x = Tensor(
      shape: [4, 3],
      values: [2e38, -2e38, 0, .infinity, 0, 1, -.infinity, -.infinity, -.infinity, 0, .nan, 1])
    let step = try StepRun(.softmax(Softmax()), [[4, 3]], on: target)
    let y = try step.result([x], 1).values
    #expect(y[0] == 1 && y[1] < 1e-37 && y[2] < 1e-37)
    #expect(y[3...].allSatisfy { $0.isNaN }, "\(target.name): \(y)")
  }

  /// Scores that overflow spoil the rows of their query; so does a key that is not finite.
  @Test(arguments: Target.runnableHere)
  func attention(_ target: Target) throws {
    var random = Random(state: 21)
    let shape = [20, 16]
    var q = Tensor(shape: shape, values: random.floats(320))
    let (k, v) = (
      Tensor(shape: shape, repeating: 1), Tensor(shape: shape, values: random.floats(320))
    )
    for column in 0..<16 { q.values[7 * 16 + column] = 3e38 }
    let step = try StepRun(
      .attention(Attention(heads: 2, scale: 0.3)), [shape, shape, shape], on: target)
    let y = try step.result([q, k, v], 2)
    for (index, y) in y.values.enumerated() {
      #expect(y.isFinite == (index / 16 != 7), "\(target.name): \(index) is \(y)")
    }
  }

  /// Means and centred rows overflow visibly, and the largest of a window is not a number where one
  /// of its pixels is not.
  @Test(arguments: Target.runnableHere)
  func others(_ target: Target) throws {
    let x = Tensor(shape: [9, 20], repeating: 3e38)
    for op in [Op.center(Center()), .center(Center(axis: 0)), .meanRows(MeanRows())] {
      let step = try StepRun(op, [[9, 20]], on: target)
      let y = try step.result([x], 2)
      #expect(y.values.allSatisfy { !$0.isFinite }, "\(target.name) \(op)")
    }
    for place in 0..<9 {
      var image = Tensor(shape: [9, 20], repeating: 1)
      image.values[place * 20 + 3] = .nan
      let op = Op.maxPool(
        MaxPool(
          width: 3, size: 3, stride: 1, padding: Padding(top: 1, left: 1, bottom: 1, right: 1),
          border: .lowest))
      let step = try StepRun(op, [[9, 20]], on: target)
      let y = try step.result([image], 2)
      let isBad = op.evaluate([image]).values.map(\.isNaN)
      #expect(y.values.map(\.isNaN) == isBad, "\(place)")
      #expect(y.values[4 * 20 + 3].isNaN && !y.values[4 * 20 + 4].isNaN, "\(place)")
    }
  }

  /// Gates of the largest numbers are those of PyTorch: nothing below, the number itself above; and
  /// of minus infinity, which a sum may have become on its way to any number, not a number.
  @Test(arguments: Target.runnableHere)
  func activations(_ target: Target) throws {
    let x: [Float] = [-1e38, -1.3e19, 1.3e19, 1e38, -.infinity]
    for function in ActivationFunction.allCases where function != .tanh {
      let step = try StepRun(.activation(Activation(function)), [[1, 5]], on: target)
      let y = try step.result([Tensor(shape: [1, 5], values: x)], 1)
      let visible = y.values[..<4].map { abs($0) < 1e-6 ? 0 : $0 }
      #expect(visible == [0, 0, 1.3e19, 1e38], "\(target.name) \(function)")
      #expect(
        function == .relu ? y.values[4] == 0 : y.values[4].isNaN, "\(target.name) \(function)")
    }
  }
}
