import Diagnostics
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Every operation that has code, as the planner hands it over: operands at odd places with padded
/// rows, against the operation's own reference semantics.
@Suite struct StepTests {
  /// Checks one operation on random operands of these shapes; the results beyond the first
  /// `results` are not asked for.
  func check(
    _ op: Op, _ shapes: [[Int]], on target: Target, tolerance: Float = 4e-6,
    range: ClosedRange<Float> = -2...2, results: Int = .max,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var random = Random(state: UInt64(shapes.joined().reduce(7) { $0 &* 31 &+ $1 }))
    let tensors = shapes.map { shape in
      Tensor(shape: shape, values: random.floats(shape.reduce(1, *), range))
    }
    let step = try StepRun(op, shapes, on: target, results: results)
    let whole = try step.run(tensors, 1, sourceLocation: sourceLocation)
    let left = try step.run(tensors, 1, .left, sourceLocation: sourceLocation)
    #expect(left == whole, sourceLocation: sourceLocation)
    var worst: Float = 0
    for (expected, found) in zip(op.evaluateAll(tensors), step.results(in: whole)) {
      guard let found else { continue }
      for (y, y0) in zip(found.values, expected.values) {
        worst = max(worst, y.isFinite ? abs(y - y0) : .infinity)
      }
    }
    #expect(
      step.padding(in: whole).allSatisfy { $0 == StepRun.unwritten }, "the padding was written",
      sourceLocation: sourceLocation)
    #expect(worst <= tolerance, "\(target.name) \(op) \(shapes)", sourceLocation: sourceLocation)
    for count in [2, 3, 64] {
      let parts = try step.run(tensors, count, sourceLocation: sourceLocation)
      #expect(parts == whole, "\(count) tasks: \(op)", sourceLocation: sourceLocation)
    }
    try checkDivision(step, tensors, "\(target.name) \(op) \(shapes)", target, sourceLocation)
  }

  /// As many tasks write something as the kernel says; beyond its parts none.
  private func checkDivision(
    _ step: StepRun, _ tensors: [Tensor], _ title: String, _ target: Target,
    _ sourceLocation: SourceLocation
  ) throws {
    let (division, most) = (step.division, step.division.mostTasks)
    // An emulator would be started for each task.
    guard target.isX86, most <= 64 else { return }
    for count in Set([2, 3, most - 1, most, most + 1]) where count > 0 {
      let grid = division.grid(tasks: count)
      let expected = division.rule == .line ? min(most, count) : grid.rows * grid.columns
      let busy = try step.busyTasks(tensors, of: count)
      #expect(busy == expected, "\(count) tasks: \(title)", sourceLocation: sourceLocation)
      let share = division.largestShare(tasks: count)
      #expect(share.work * Double(busy) >= 1 - 1e-9, "\(title)", sourceLocation: sourceLocation)
      #expect(share.work <= 1 && share.prepared <= 1, "\(title)", sourceLocation: sourceLocation)
    }
    #expect(step.division.grid(tasks: most + 1) == step.division.grid(tasks: most + 7))
  }

  @Test(arguments: Target.runnableHere)
  func rows(_ target: Target) throws {
    for columns in [1, 5, 16, 100] {
      let x = [7, columns]
      try check(.copy(Copy()), [x], on: target, tolerance: 0)
      try check(.scale(Scale(0.3)), [x], on: target)
      try check(.add(Add()), [x, x], on: target)
      try check(.add(Add()), [x, [columns]], on: target)
      try check(.multiply(Multiply()), [x, x], on: target)
      try check(.multiply(Multiply()), [x, [columns]], on: target)
      try check(.multiply(Multiply(axis: 0)), [x, [7]], on: target)
      try check(.softmax(Softmax()), [x], on: target, range: -20...20)
      try check(
        .softmax(Softmax(isCausal: true)), [[2, columns, columns]], on: target, range: -20...20)
      try check(.center(Center()), [x], on: target)
      try check(.center(Center(axis: 0)), [x], on: target)
      try check(.meanRows(MeanRows()), [x], on: target)
      try check(.swiGLU(SwiGLU()), [[7, 2 * columns]], on: target)
      try check(.transpose(Transpose()), [x], on: target, tolerance: 0)
    }
    for columns in [5, 16, 100, 768] {
      let norm = Op.layerNorm(LayerNorm(epsilon: 1e-6))
      try check(norm, [[9, columns]], on: target, tolerance: 2e-5, range: 3...5)
      try check(
        norm, [[9, columns], [columns], [columns]], on: target, tolerance: 5e-5, range: 3...5)
      let rms = Op.rmsNorm(RMSNorm(epsilon: 1e-6))
      try check(rms, [[9, columns]], on: target, range: -3...5)
      try check(rms, [[9, columns], [columns]], on: target, range: -3...5)
    }
    for (heads, head) in [(1, 2), (3, 20), (2, 64), (1, 96), (4, 34)] {
      for table in [head, heads * head] {
        try check(.rope(Rope(heads: heads)), [[7, heads * head], [7, table]], on: target)
      }
      let norm = Op.l2Norm(L2Norm(heads: heads, epsilon: 1e-12))
      try check(norm, [[7, heads * head]], on: target, range: -3...5)
      try check(norm, [[7, heads * head], [heads]], on: target, range: -3...5)
    }
    for function in ActivationFunction.allCases {
      try check(.activation(Activation(function)), [[3, 33]], on: target, range: -9...9)
    }
    try check(.fill(Fill(2.5, shape: [3, 7])), [], on: target, tolerance: 0)
  }

  @Test(arguments: Target.runnableHere)
  func otherRanks(_ target: Target) throws {
    try check(.multiply(Multiply(axis: 0)), [[3, 4, 5], [3]], on: target)
    try check(.multiply(Multiply(axis: 1)), [[3, 4, 5], [4]], on: target)
    try check(.center(Center(axis: 0)), [[3, 4, 5]], on: target)
    try check(.center(Center(axis: 1)), [[3, 4, 5]], on: target)
    try check(.softmax(Softmax()), [[2, 3, 19]], on: target)
    try check(.matMul(MatMul()), [[5, 21], [21, 18]], on: target, tolerance: 2e-5)
    try check(
      .matMul(MatMul(transposed: true)), [[5, 21], [18, 21]], on: target, tolerance: 2e-5)
    try check(.matMul(MatMul()), [[3, 5, 21], [3, 21, 18]], on: target, tolerance: 2e-5)
    try check(
      .matMul(MatMul(transposed: true)), [[3, 5, 21], [3, 18, 21]], on: target, tolerance: 2e-5)
  }

  @Test(arguments: Target.runnableHere)
  func patches(_ target: Target) throws {
    for (patch, size) in [(4, 32), (14, 30), (16, 48), (32, 64), (1, 3), (17, 40)] {
      try check(
        .extractPatches(ExtractPatches(patch: patch)), [[3, size, size + 5]], on: target,
        tolerance: 0)
    }
  }

  @Test(arguments: Target.runnableHere)
  func convolutions(_ target: Target) throws {
    let padding = Padding(top: 2, left: 1, bottom: 0, right: 1)
    for (channels, filters) in [(3, 5), (16, 33)] {
      try check(
        .conv2d(Conv2d(stride: 2, padding: padding)),
        [[channels, 9, 7], [filters, channels, 3, 2]], on: target, tolerance: 3e-5)
      try check(
        .conv2d(Conv2d(width: 7, padding: padding)),
        [[63, channels], [filters, channels, 3, 3], [filters]], on: target, tolerance: 5e-5)
      try check(
        .conv2d(Conv2d(width: 3, stride: 2)),
        [[21, channels], [filters, channels, 1, 1]], on: target, tolerance: 3e-5)
    }
    for (channels, groups) in [(6, 3), (40, 2), (64, 32)] {
      try check(
        .groupNorm(GroupNorm(groups: groups, epsilon: 1e-5)),
        [[130, channels], [channels], [channels]], on: target, tolerance: 2e-5, range: 1...5)
      try check(
        .evoNorm(EvoNorm(groups: groups, epsilon: 1e-5)),
        [[130, channels], [channels], [channels], [channels]], on: target, tolerance: 2e-5)
      try check(
        .filterResponseNorm(FilterResponseNorm(epsilon: 1e-5)),
        [[130, channels], [channels], [channels], [channels]], on: target, tolerance: 2e-5)
    }
    for border in PoolBorder.allCases {
      try check(
        .maxPool(MaxPool(width: 7, size: 3, stride: 2, padding: padding, border: border)),
        [[63, 37]], on: target, tolerance: 0, range: -3 ... -1)
    }
  }

  @Test(arguments: Target.runnableHere)
  func fused(_ target: Target) throws {
    try check(
      .fusedLinear(
        FusedLinear(
          prologue: Prologue(epsilon: 1e-6),
          epilogue: IR.Epilogue(hasBias: true, activation: .gelu, hasResidual: true),
          columns: 45)),
      [[30, 20], [2, 20, 32], [45], [30, 45]], on: target, tolerance: 3e-5)
    try check(
      .fusedLinear(FusedLinear(columns: 64)), [[1, 50], [2, 50, 32]], on: target, tolerance: 3e-5)
    try check(
      .attention(Attention(heads: 3, scale: 0.25)), [[21, 36], [21, 36], [21, 36]], on: target)
    try check(
      .attention(Attention(heads: 2, base2: true)), [[1, 128], [65, 128], [65, 128]],
      on: target, range: -0.5...0.5)
  }

  /// Weights of an attention, of many queries and of one; and without anybody asking for them.
  @Test(arguments: Target.runnableHere)
  func weightsOfAttentions(_ target: Target) throws {
    for (queries, tokens, heads, headDim) in [(21, 21, 3, 12), (1, 65, 2, 64), (5, 17, 1, 7)] {
      for base2 in [false, true] {
        for rows in [nil, [0, 1], [queries / 2, (queries + 1) / 2]] {
          let op = Op.attention(
            Attention(
              heads: heads, scale: 0.25, base2: base2, hasWeights: true, weightRows: rows))
          let dim = heads * headDim
          for results in [1, 2] {
            try check(
              op, [[queries, dim], [tokens, dim], [tokens, dim]], on: target, results: results)
          }
        }
      }
    }
  }

  /// Weights of more tokens than a tile of scores holds, which are computed again, with something
  /// added to the scores and without.
  @Test func weightsOfManyTokens() throws {
    let target = try #require(Target.runnableHere.last)
    for rows in [nil, [1, 2]] {
      let op = Op.attention(Attention(heads: 2, scale: 0.25, hasWeights: true, weightRows: rows))
      try check(op, [[3, 8], [2100, 8], [2100, 8]], on: target, results: 2)
    }
    let op = Op.attention(
      Attention(heads: 2, hasWeights: true, weightRows: [1, 1], hasBias: true))
    try check(op, [[3, 8], [2100, 8], [2100, 8], [2, 3, 2100]], on: target, results: 2)
  }

  @Test func saysWhatHasNoCode() throws {
    var builder = GraphBuilder(name: "test", form: .fused)
    let x = try builder.append(.input(Input(type: .f32(2, 3))), name: "x")
    builder.addOutput("y", try builder.append(.pack(Pack()), [x], name: "weights.packed"))
    let graph = builder.graph.placed([
      Placement(.image, offsetBytes: 0, rowStride: 3),
      Placement(.arena, offsetBytes: 64, rowStride: 32),
    ])
    let error = #expect(throws: Diagnostic.self) {
      try CodeGenerator.generate(
        graph, for: [.x86v2],
        program: ProgramInfo(
          name: "m", model: "m", compilerVersion: "0", weightsBytes: 0, arenaBytes: 0))
    }
    #expect(error?.location == .node("weights.packed"))
    #expect(error?.message.contains("'pack' has no code") == true)
  }
}
