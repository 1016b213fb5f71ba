import Testing
@testable import IR

@testable import IR

/// What holds of every operation.
@Suite struct OpLawTests {
  /// One use of an operation.
  struct Sample: CustomTestStringConvertible, Sendable {
    let op: Op
    let operands: [TensorType]

    var testDescription: String { "\(op.mnemonic) \(op.attributes) \(operands)" }

    init(_ op: Op, _ operands: TensorType...) {
      self.op = op
      self.operands = operands
    }
  }

  /// Every operation, with attributes at their defaults and away from them.
  static let samples: [Sample] = [
    Sample(.input(Input(type: .f32(2, 3)))),
    Sample(.input(Input(type: TensorType(.i32, [4]), limit: 9, required: 8))),
    Sample(.weight(Weight(tensor: "a \"name\" \\ of\n\t\rblanks, é and 🦉", shape: [2, 3]))),
    Sample(.fill(Fill(0, shape: [3]))),
    Sample(.fill(Fill(-1.5e-30, shape: [2, 2]))),
    Sample(.patchEmbed(PatchEmbed()), .f32(3, 5, 4), .f32(6, 3, 2, 2)),
    Sample(.patchEmbed(PatchEmbed()), .f32(3, 5, 4), .f32(6, 3, 2, 2), .f32(6)),
    Sample(.extractPatches(ExtractPatches(patch: 2)), .f32(3, 5, 4)),
    Sample(
      .resizePositionEmbedding(
        ResizePositionEmbedding(from: [2, 3], to: [4, 1], prefix: 0, method: .bicubic)),
      .f32(6, 2)),
    Sample(
      .resizePositionEmbedding(
        ResizePositionEmbedding(from: [2, 3], to: [1, 5], prefix: 2, method: .bicubicAntialiased)),
      .f32(8, 2)),
    Sample(.concatenate(Concatenate()), .f32(1, 2), .f32(3, 2)),
    Sample(.concatenate(Concatenate(axis: 2)), .f32(1, 2, 1), .f32(1, 2, 3), .f32(1, 2, 2)),
    Sample(.slice(Slice(start: 1, count: 2)), .f32(3, 2)),
    Sample(.slice(Slice(axis: 1, start: 0, count: 1)), .f32(3, 2, 2)),
    Sample(.reshape(Reshape([3, 4])), .f32(2, 6)),
    Sample(.reshape(Reshape([])), .f32(1)),
    Sample(.transpose(Transpose()), .f32(2, 3)),
    Sample(.add(Add()), .f32(2, 3), .f32(2, 3)),
    Sample(.add(Add()), .f32(2, 3), .f32(3)),
    Sample(.add(Add()), .f32(), .f32()),
    Sample(.multiply(Multiply()), .f32(2, 3), .f32(3)),
    Sample(.multiply(Multiply(axis: 0)), .f32(2, 3, 2), .f32(2)),
    Sample(.multiply(Multiply()), .f32(2, 3), .f32(2, 3)),
    Sample(.scale(Scale(0.1)), .f32(2, 3)),
    Sample(.center(Center()), .f32(2, 3)),
    Sample(.center(Center(axis: 1)), .f32(2, 3, 2)),
    Sample(.layerNorm(LayerNorm(epsilon: 1e-6)), .f32(2, 3)),
    Sample(.layerNorm(LayerNorm(epsilon: 1e-12)), .f32(2, 3), .f32(3), .f32(3)),
    Sample(.rmsNorm(RMSNorm(epsilon: 1e-6)), .f32(2, 3)),
    Sample(.rmsNorm(RMSNorm(epsilon: 1e-12)), .f32(2, 3), .f32(3)),
    Sample(.l2Norm(L2Norm(heads: 2, epsilon: 1e-12)), .f32(3, 8)),
    Sample(.l2Norm(L2Norm(heads: 4, epsilon: 1e-6)), .f32(3, 8), .f32(4)),
    Sample(.clampedExponential(ClampedExponential(limit: 0.5)), .f32(2, 1, 1)),
    Sample(
      .continuousPositionTable(ContinuousPositionTable(grid: [2, 3], spacing: .absolute)),
      .f32(5, 2), .f32(5), .f32(2, 5), .f32(2)),
    Sample(
      .continuousPositionTable(
        ContinuousPositionTable(grid: [2, 3], spacing: .relative, from: [4, 2], limit: 16)),
      .f32(5, 2), .f32(5), .f32(2, 5)),
    Sample(.rope(Rope(heads: 2)), .f32(3, 8), .f32(3, 4)),
    Sample(.rope(Rope(heads: 2)), .f32(3, 8), .f32(3, 8)),
    Sample(
      .ropeTable(RopeTable(grid: [2, 3], dim: 8, base: 100, coordinates: .centred, prefix: 1))),
    Sample(
      .ropeTable(
        RopeTable(
          grid: [2, 3], dim: 4, base: 100, coordinates: .indexed, reference: [5, 4], offset: 1,
          columnsFirst: true))),
    Sample(
      .ropeTable(RopeTable(grid: [2, 3], dim: 8, base: 100, coordinates: .indexed, prefix: 1)),
      .f32(1, 4)),
    Sample(
      .learnedRopeTable(LearnedRopeTable(grid: [2, 3], block: 1, prefix: 1)), .f32(2, 2, 2, 3)),
    Sample(.deinterleave(Deinterleave(heads: 2)), .f32(8)),
    Sample(
      .batchScaleShift(BatchScaleShift(epsilon: 10)), .f32(3), .f32(3), .f32(3), .f32(3)),
    Sample(
      .differenceScale(DifferenceScale(initial: 0.5, count: 3)), .f32(2), .f32(2), .f32(2),
      .f32(2)),
    Sample(.deinterleave(Deinterleave(heads: 2)), .f32(8, 3)),
    Sample(.linear(Linear()), .f32(2, 3), .f32(4, 3)),
    Sample(.linear(Linear()), .f32(2, 3), .f32(4, 3), .f32(4)),
    Sample(.matMul(MatMul()), .f32(2, 3), .f32(3, 4)),
    Sample(.matMul(MatMul(transposed: true)), .f32(5, 2, 3), .f32(5, 4, 3)),
    Sample(.splitHeads(SplitHeads(heads: 2)), .f32(3, 4)),
    Sample(.mergeHeads(MergeHeads()), .f32(2, 3, 2)),
    Sample(.softmax(Softmax()), .f32(2, 3, 2)),
    Sample(.softmax(Softmax(isCausal: true)), .f32(2, 3, 3)),
    Sample(.softmax(Softmax(isCausal: true)), .f32(3, 3)),
    Sample(.embedding(Embedding()), .f32(5, 4), TensorType(.i32, [3])),
    Sample(.pickRow(PickRow(token: 2)), .f32(3, 4), TensorType(.i32, [3])),
    Sample(.pickRow(PickRow()), .f32(3, 4), TensorType(.i32, [3])),
    Sample(
      .attention(Attention(heads: 2, isCausal: true)), .f32(3, 4), .f32(3, 4), .f32(3, 4)),
    Sample(.activation(Activation(.geluTanh)), .f32(2, 3)),
    Sample(.swiGLU(SwiGLU()), .f32(2, 6)),
    Sample(.meanRows(MeanRows()), .f32(2, 3)),
    Sample(.conv2d(Conv2d()), .f32(3, 5, 4), .f32(6, 3, 2, 3)),
    Sample(
      .conv2d(
        Conv2d(width: 4, stride: 2, padding: Padding(top: 1, left: 0, bottom: 2, right: 1))),
      .f32(20, 3), .f32(6, 3, 3, 2), .f32(6)),
    Sample(.standardizeWeight(StandardizeWeight(epsilon: 1e-8)), .f32(6, 3, 2, 2)),
    Sample(.standardizeWeight(StandardizeWeight(epsilon: 1e-5, kind: .deviation)), .f32(6, 3)),
    Sample(
      .groupNorm(GroupNorm(groups: 3, epsilon: 1e-5)), .f32(5, 6), .f32(6), .f32(6)),
    Sample(
      .evoNorm(EvoNorm(groups: 3, epsilon: 1e-5)), .f32(5, 6), .f32(6), .f32(6), .f32(6)),
    Sample(
      .filterResponseNorm(FilterResponseNorm(epsilon: 1e-5)), .f32(5, 6), .f32(6), .f32(6),
      .f32(6)),
    Sample(.maxPool(MaxPool(width: 4, size: 3, stride: 2)), .f32(20, 3)),
    Sample(
      .maxPool(
        MaxPool(
          width: 4, size: 3, stride: 2, padding: Padding(top: 1, left: 0, bottom: 2, right: 1),
          border: .zero)), .f32(20, 3)),
    Sample(.copy(Copy()), .f32(2, 3)),
    Sample(.pack(Pack()), .f32(33, 3)),
    Sample(.pack(Pack(width: 2)), .f32(3, 3)),
    Sample(.fusedLinear(FusedLinear()), .f32(2, 3), .f32(4, 3)),
    Sample(
      .fusedLinear(
        FusedLinear(
          prologue: Prologue(epsilon: 1e-6),
          epilogue: Epilogue(hasBias: true, activation: .quickGelu, hasResidual: true),
          summation: Summation(block: 2), columns: 5)),
      .f32(2, 3), .f32(3, 3, 2), .f32(5), .f32(2, 5)),
    Sample(
      .fusedLinear(FusedLinear(epilogue: Epilogue(hasResidual: true))), .f32(2, 3), .f32(4, 3),
      .f32(2, 4)),
    Sample(
      .fusedLinear(FusedLinear(algorithm: .strassen, columns: 64)), .f32(2, 32), .f32(2, 32, 32)),
    Sample(.round(Round(.bf16)), .f32(33, 3)),
    Sample(.quantize(Quantize()), .f32(4, 3)),
    Sample(.quantizationParameters(QuantizationParameters()), .f32(4, 3)),
    Sample(.quantizationParameters(QuantizationParameters()), .f32(4, 3), .f32(4)),
    Sample(.balance(Balance()), .f32(6, 4), .f32(3, 6)),
    Sample(.balance(Balance(isInverse: true)), .f32(6, 4), .f32(3, 6), .f32(6)),
    Sample(.hadamard(Hadamard()), .f32(2, 6)),
    Sample(.hadamard(Hadamard(axis: 0, block: 4, size: 2)), .f32(8, 3)),
    Sample(.diagonal(Diagonal()), .f32(3)),
    Sample(.pack(Pack()), TensorType(.s8, [33, 3])),
    Sample(.pack(Pack()), TensorType(.bf16, [33, 3])),
    Sample(
      .fusedLinear(FusedLinear(prologue: Prologue(epsilon: 1e-6))), .f32(2, 3),
      TensorType(.bf16, [4, 3])),
    Sample(
      .attention(Attention(heads: 2)), TensorType(.bf16, [3, 4]), TensorType(.bf16, [2, 4]),
      TensorType(.bf16, [2, 4])),
    Sample(.attention(Attention(heads: 2)), .f32(3, 4), .f32(2, 4), .f32(2, 4)),
    Sample(
      .attention(Attention(heads: 2, isQuantized: true)), .f32(3, 4), .f32(2, 4), .f32(2, 4)),
    Sample(
      .attention(Attention(heads: 1, windows: 2, isQuantized: true)), TensorType(.bf16, [4, 4]),
      TensorType(.bf16, [4, 4]), TensorType(.bf16, [4, 4])),
    Sample(
      .attention(Attention(heads: 1, scale: 0.125, base2: true)), .f32(1, 4), .f32(2, 4),
      .f32(2, 4)),
    Sample(
      .attention(Attention(heads: 2, hasWeights: true)), .f32(3, 4), .f32(2, 4), .f32(2, 4)),
    Sample(
      .attention(Attention(heads: 2, hasWeights: true, weightRows: [1, 2])), .f32(3, 4),
      .f32(2, 4), .f32(2, 4)),
    Sample(.attentionRow(AttentionRow(row: 1, start: 1, count: 2)), .f32(2, 3, 4)),
    Sample(.rollout(Rollout()), .f32(1, 3), .f32(3, 3)),
    Sample(.distanceTable(DistanceTable(grid: [2, 3], height: 1.5, width: 2))),
    Sample(.attentionDistance(AttentionDistance(start: 1)), .f32(2, 4, 4), .f32(3, 3)),
    Sample(
      .attention(Attention(heads: 2, hasBias: true)), .f32(3, 4), .f32(2, 4), .f32(2, 4),
      .f32(2, 3, 2)),
    Sample(
      .attention(Attention(heads: 2, windows: 2, hasBias: true, kinds: WindowKinds([2, 1]))),
      .f32(6, 4), .f32(4, 4),
      .f32(4, 4), .f32(4, 3, 2)),
    Sample(
      .attention(Attention(heads: 2, windows: 3)), .f32(6, 4), .f32(9, 4), .f32(9, 4)),
    Sample(
      .attention(Attention(heads: 2, grid: [3, 2])), .f32(5, 4), .f32(6, 4), .f32(6, 4),
      .f32(5, 6), .f32(5, 4)),
    Sample(
      .relativePositionBias(
        RelativePositionBias(grid: [2, 3], from: [2, 2], method: .geometric, hasPrefix: true)),
      .f32(12, 2)),
    Sample(
      .relativePositionBias(
        RelativePositionBias(
          grid: [2, 2], method: .bilinear, windows: [2, 1], shift: [1, 0], separation: 200)),
      .f32(9, 2)),
    Sample(
      .relativeBiasTable(
        RelativeBiasTable(grid: [2, 3], from: [2, 2], method: .geometric, hasPrefix: true)),
      .f32(12, 2)),
    Sample(
      .attention(
        Attention(
          heads: 2, windows: 2,
          places: RelativePlaces(
            grid: [2, 2], windows: [2, 1], shift: [1, 0], separation: 50))),
      .f32(8, 4), .f32(8, 4), .f32(8, 4), .f32(2, 9)),
    Sample(
      .attention(Attention(heads: 2, places: RelativePlaces(grid: [1, 2], hasPrefix: true))),
      .f32(3, 4), .f32(3, 4), .f32(3, 4), .f32(2, 6)),
    Sample(.relativeTable(RelativeTable(to: 3)), .f32(4, 2)),
    Sample(
      .relativeScores(RelativeScores(heads: 2, grid: [2, 3], axis: 1)), .f32(12, 4), .f32(2, 5)),
    Sample(
      .windowPartition(WindowPartition(WindowGrid(image: [2, 4], window: [2, 2]))), .f32(8, 3)),
    Sample(
      .windowPartition(
        WindowPartition(
          WindowGrid(image: [3, 5], window: [2, 2], shift: [1, 0], movesFirst: true))),
      .f32(15, 3), .f32(3)),
    Sample(
      .windowMerge(WindowMerge(WindowGrid(image: [3, 5], window: [2, 2], shift: [1, 1]))),
      .f32(24, 3)),
    Sample(.pack(Pack()), .f32(33, 2, 3, 1)),
    Sample(.convolution(Convolution(width: 3, kernel: [2, 1])), .f32(6, 2), .f32(4, 2, 2, 1)),
    Sample(
      .convolution(
        Convolution(width: nil, kernel: [3, 3], stride: 2, padding: Padding(1), chunk: 2)),
      .f32(2, 4, 5), .f32(3, 2, 3, 3)),
    Sample(
      .convolution(
        Convolution(
          width: 3, kernel: [3, 3], stride: 2,
          padding: Padding(top: 0, left: 1, bottom: 2, right: 1),
          prologue: Prologue(isNormalized: true, activation: .relu),
          epilogue: Epilogue(hasBias: true, hasResidual: true), chunk: 2,
          summation: Summation(block: 3), columns: 5)),
      .f32(6, 2), .f32(3, 18, 2), .f32(2, 2), .f32(5), .f32(2, 5)),
    Sample(.moments(Moments(chunk: 2)), .f32(5, 3)),
    Sample(
      .groupScaleShift(GroupScaleShift(groups: 2, epsilon: 1e-5, rows: 5, chunk: 2)), .f32(6, 4),
      .f32(4),
      .f32(4)),
    Sample(.normalize(Normalize()), .f32(2, 3), .f32(2, 3)),
    Sample(
      .normalize(Normalize(activation: .relu)), .f32(2, 3), .f32(2, 3), .f32(2, 3), .f32(2, 3)),
    Sample(.winogradWeight(WinogradWeight(tile: .two)), .f32(33, 2, 3, 3)),
    Sample(.winogradWeight(WinogradWeight(tile: .four, width: 2)), .f32(3, 2, 3, 3)),
    Sample(
      .convolution(
        Convolution(
          width: 3, kernel: [3, 3], padding: Padding(1), algorithm: .winograd(.two), columns: 4)),
      .f32(6, 2), .f32(1, 16, 2, 32)),
    Sample(
      .convolution(
        Convolution(
          width: 2, kernel: [3, 3], padding: Padding(1),
          prologue: Prologue(isNormalized: true, activation: .relu),
          epilogue: Epilogue(hasBias: true, hasResidual: true), chunk: 8,
          algorithm: .winograd(.four), columns: 3)),
      .f32(10, 2), .f32(2, 36, 2, 2), .f32(2, 2), .f32(3), .f32(10, 3)),
  ]

  @Test func `every operation has a sample`() {
    #expect(Set(Self.samples.map(\.op.mnemonic)) == Set(Op.mnemonics))
    #expect(Set(Op.mnemonics).count == Op.mnemonics.count)
  }

  @Test(arguments: samples)
  func `attributes read back`(_ sample: Sample) throws {
    #expect(try Op.named(sample.op.mnemonic, sample.op.attributes) == sample.op)
  }

  @Test(arguments: samples)
  func `text reads back`(_ sample: Sample) throws {
    let form = try #require(Form.allCases.first { sample.op.isAllowed(in: $0) })
    var builder = GraphBuilder(name: "law", form: form)
    var operands: [Value] = []
    for (index, type) in sample.operands.enumerated() {
      let operand =
        type.element == .i32
        ? Op.input(Input(type: type, limit: 9))
        : .weight(Weight(tensor: "w", shape: type.shape))
      operands.append(try builder.append(operand, name: "w\(index)"))
    }
    let result = try builder.append(sample.op, operands, name: "result")
    builder.addOutput("a \"result\"", result)
    let graph = builder.graph
    try Verifier.verify(graph)
    #expect(try GraphParser.parse(graph.description) == graph)
  }

  @Test(arguments: samples)
  func `a wrong number of operands is refused`(_ sample: Sample) {
    for count in 0...70 where count != sample.operands.count {
      let filler = sample.operands.last ?? .f32(1)
      let operands = (0..<count).map { $0 < sample.operands.count ? sample.operands[$0] : filler }
      // Some other numbers are right: a bias, a scale and shift, more tensors to join.
      let isRight = (try? sample.op.resultTypes(of: operands)) != nil
      let allowed = type(of: sample.op.definition).operandCounts
      #expect(!isRight || allowed.contains(count), "\(count) operands")
    }
  }

  @Test(arguments: samples)
  func `operands of any rank are refused or evaluated`(_ sample: Sample) {
    let shapes = [
      [], [1], [2], [1, 1], [2, 3], [1, 1, 1], [2, 3, 4], [1, 1, 1, 1], [2, 1, 3, 3],
    ]
    for (index, _) in sample.operands.enumerated() {
      for shape in shapes {
        var operands = sample.operands
        operands[index] = TensorType(.f32, shape)
        guard let types = try? sample.op.resultTypes(of: operands) else { continue }
        let results = sample.op.evaluateAll(
          operands.map { Tensor(shape: $0.shape, repeating: 0.5).rounded(to: $0.element) })
        #expect(results.map(\.type) == types, "operand \(index) of shape \(shape)")
      }
    }
  }

  @Test(arguments: samples)
  func `evaluation agrees with the inferred type`(_ sample: Sample) throws {
    let operands = sample.operands.map { type in
      Tensor(shape: type.shape, values: (0..<type.count).map { Float($0 % 7) - 2.5 })
        .rounded(to: type.element)
    }
    let results = sample.op.evaluateAll(operands)
    #expect(results.map(\.type) == (try sample.op.resultTypes(of: sample.operands)))
    #expect(results.count == 1 + sample.op.furtherResults.count)
    #expect(sample.op.evaluate(operands) == results[0])
    for result in results {
      #expect(result.values.count == result.type.count)
      #expect(result.values.allSatisfy { $0.isFinite })
    }
  }

  /// One definition makes both: what differs is what is rounded on the way.
  ///
  /// Integers are chosen by the rounded numbers, so those are compared by half a step.
  @Test(arguments: samples)
  func `double precision agrees with single precision`(_ sample: Sample) {
    let operands = sample.operands.enumerated().map { index, type in
      // Numbers that f32 does not hold, unless the operand's own type rounds them.
      DenseTensor<Double>(
        shape: type.shape,
        values: (0..<type.count).map { Double(($0 * 5 + index) % 11) / 7 - 0.6 }
      ).rounded(to: type.element)
    }
    let results = sample.op.evaluateAll(operands)
    let single = sample.op.evaluateAll(
      operands.map {
        Tensor(shape: $0.shape, values: $0.values.map(Float.init)).rounded(to: $0.element)
      })
    #expect(results.map(\.type) == single.map(\.type))
    #expect(sample.op.evaluate(operands) == results[0])
    for (result, single) in zip(results, single) {
      let isRounded = result.element != .f32 || sample.operands.contains { $0.element != .f32 }
      for (a, b) in zip(result.values, single.values) {
        #expect(abs(a - Double(b)) <= (isRounded ? 0.02 : 1e-5) * max(1, abs(a)))
      }
    }
  }

  @Test(arguments: samples)
  func `extreme attributes are refused or kept, without a crash`(_ sample: Sample) {
    let extremes = [Int.min, -1, 0, 1, 1 << 31, 1 << 40, Int.max]
    for name in sample.op.attributes.names {
      for extreme in extremes {
        for value in [Attributes.Value.integer(extreme), .integers([extreme, extreme])] {
          var attributes = Attributes()
          for other in sample.op.attributes.names {
            guard let kept = sample.op.attributes.value(other) else { continue }
            attributes.set(other, other == name ? value : kept)
          }
          guard let op = try? Op.named(sample.op.mnemonic, attributes) else { continue }
          let types = (try? op.resultTypes(of: sample.operands)) ?? []
          #expect(types.allSatisfy { $0.isAllowed })
        }
      }
    }
  }
}
