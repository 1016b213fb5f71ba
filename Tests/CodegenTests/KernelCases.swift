@testable import Codegen
@testable import IR

extension KernelCase {
  static let all: [KernelCase] = products + convolutions + attention + simple

  private static let windows = Windows(
    height: 9, width: 10, kernelHeight: 3, kernelWidth: 3, stride: 1, padding: Padding(1))

  /// A change of each property of a tile.
  private static let tileChanges: [@Sendable (inout Tile) -> Void] = [
    { $0.rows += 1 }, { $0.columns -= 1 }, { $0.depth += 1 }, { $0.aStride += 1 },
    { $0.cStride += 1 }, { $0.residualStride += 1 }, { $0.epilogue.scalesRows = true },
    { $0.epilogue.hasBias = true }, { $0.epilogue.activation = .gelu },
    { $0.epilogue.hasResidual = true }, { $0.epilogue.result = .bf16 }, { $0.accumulators = 2 },
    { $0.addressing.counts = [2, 1, 1] }, { $0.addressing.strides = [1, 0, 0] },
    { $0.addressing.line = 1 },
    { $0.addressing.lineStride = 3 }, { $0.addressing.start = 1 }, { $0.prefetchTiles = 2 },
    { $0.operandType = .bf16 }, { $0.channelStride = 16 }, { $0.summationBlock = 100 },
    { $0.arrangement = .widened }, { $0.panelStride = 16 },
  ]

  /// Matrix products.
  private static let products: [KernelCase] = [
    KernelCase(
      Tile(rows: 2, columns: 16, depth: 24, aStride: 24, cStride: 16), changes: tileChanges),
    KernelCase(
      WidenedPanel(element: .bf16, depth: 24), { $0.element = .s8 }, { $0.depth += 1 }),
    KernelCase(PairedPanel(depth: 24), { $0.depth += 1 }),
    KernelCase(
      FusedLinearKernel(rows: 30, columns: 64, depth: 48, aStride: 48, cStride: 64),
      { $0.rows += 1 }, { $0.columns += 1 }, { $0.depth += 2 }, { $0.aStride += 2 },
      { $0.cStride += 1 }, { $0.residualStride += 1 }, { $0.epsilon = 1e-6 },
      { $0.epsilon = 1e-5 }, { $0.hasBias = true }, { $0.activation = .gelu },
      { $0.hasResidual = true }, { $0.operandType = .bf16 }, { $0.left = .bf16 },
      { $0.result = .bf16 }, { $0.hadamardSize = 16 }, { $0.channelStride = 64 },
      { $0.summationBlock = 100 }),
    KernelCase(
      AMXBlock(
        tile: Tile(
          rows: 5, columns: 32, depth: 20, aStride: 32, cStride: 40, operandType: .s8),
        isPair: true),
      changes: tileChanges.map { change in { @Sendable in change(&$0.tile) } }
        + [{ $0.isPair = false }]),
    KernelCase(
      StrassenKernel(rows: 57, columns: 192, depth: 96, aStride: 96, cStride: 192),
      { $0.rows += 1 }, { $0.columns += 64 }, { $0.depth += 32 }, { $0.aStride += 1 },
      { $0.cStride += 1 }, { $0.residualStride += 1 }, { $0.epsilon = 1e-6 },
      { $0.hasBias = true }, { $0.activation = .gelu }, { $0.hasResidual = true }),
    KernelCase(
      StrassenTile(
        rows: 2, depth: 16, aStride: 32, sumStride: 80, partnerDistance: 320,
        quarterStride: 3584, accumulates: false, makesRight: false, prefetchedLines: 1),
      { $0.rows += 1 }, { $0.depth += 1 }, { $0.aStride += 1 }, { $0.sumStride += 1 },
      { $0.partnerDistance += 1 }, { $0.quarterStride += 1 }, { $0.accumulates = true },
      { $0.makesRight = true }, { $0.prefetchedLines += 1 }),
    KernelCase(
      StrassenFinish(
        cStride: 64, residualStride: 64, scalesRows: false, hasBias: false, activation: nil,
        hasResidual: false),
      { $0.cStride += 1 }, { $0.residualStride += 1 }, { $0.scalesRows = true },
      { $0.hasBias = true }, { $0.activation = .relu }, { $0.hasResidual = true }),
    KernelCase(
      StrassenRows(
        distance: 640, epsilon: nil,
        layout: StrassenLeftLayout(
          operands: StrassenLeft.sums, depth: 32, chunks: 1, pairStride: 144, operandStride: 32,
          chunkStride: 1440)),
      { $0.distance += 1 }, { $0.epsilon = 1e-6 }, { $0.layout.depth += 16 },
      { $0.layout.operands = StrassenLeft.allCases }, { $0.layout.chunks += 1 },
      { $0.layout.pairStride += 1 }, { $0.layout.operandStride += 1 },
      { $0.layout.chunkStride += 1 }),
    KernelCase(
      StrassenProduct(
        which: .a12b21, rows: 2, depth: 16, quarterStride: 3584, accumulates: false, rowsMade: 0,
        prefetchedLines: 1),
      { $0.which = .s2t2 }, { $0.rows += 1 }, { $0.depth += 4 }, { $0.quarterStride += 1 },
      { $0.accumulates = true }, { $0.rowsMade = 1 }, { $0.prefetchedLines += 1 }),
    KernelCase(
      MatrixKernel(operation: .transpose, rows: 5, columns: 7, aStride: 5, outputStride: 7),
      { $0.operation = .matMul(depth: 5, transposed: false) },
      { $0.operation = .matMul(depth: 5, transposed: true) },
      { $0.operation = .matMul(depth: 6, transposed: false) }, { $0.matrices += 1 },
      { $0.rows += 1 }, { $0.columns += 1 }, { $0.aStride += 1 }, { $0.bStride += 1 },
      { $0.outputStride += 1 }),
  ]

  /// Convolutions and what is around them.
  private static let convolutions: [KernelCase] = [
    KernelCase(
      ConvolutionKernel(
        image: ConvolutionImage(windows: windows, channels: 8, isPlanar: false, xStride: 8),
        columns: 32, cStride: 32),
      { $0.image.windows.height += 1 }, { $0.image.windows.width += 1 },
      { $0.image.windows.kernelHeight -= 1 }, { $0.image.windows.kernelWidth -= 1 },
      { $0.image.windows.stride = 2 }, { $0.image.windows.padding.top = 0 },
      { $0.image.windows.padding.left = 0 }, { $0.image.windows.padding.bottom = 0 },
      { $0.image.windows.padding.right = 0 }, { $0.image.channels += 2 },
      { $0.image.isPlanar = true }, { $0.image.xStride += 1 }, { $0.image.scaleShiftStride = 8 },
      { $0.image.activation = .relu }, { $0.image.operandType = .bf16 },
      { $0.image.summationBlock = 16 }, { $0.columns += 1 }, { $0.cStride += 1 },
      { $0.momentsStride += 1 }, { $0.residualStride += 1 }, { $0.hasBias = true },
      { $0.hasResidual = true }, { $0.chunk = 10 }),
    KernelCase(ZeroFill()),
    KernelCase(
      WinogradKernel(
        shape: WinogradShape(tile: .two, height: 8, width: 9, channels: 16), columns: 40,
        xStride: 16, outputStride: 40),
      { $0.shape.tile = .four }, { $0.shape.height += 1 }, { $0.shape.width += 1 },
      { $0.shape.channels += 1 }, { $0.columns += 1 }, { $0.xStride += 1 },
      { $0.outputStride += 1 }, { $0.momentsStride += 1 }, { $0.residualStride += 1 },
      { $0.prologue.scaleShiftStride = 16 }, { $0.prologue.activation = .relu },
      { $0.hasBias = true }, { $0.hasResidual = true }, { $0.chunk = 18 },
      { $0.summationBlock = 16 }),
    KernelCase(
      WinogradInput(
        shape: WinogradShape(tile: .two, height: 8, width: 9, channels: 16), xStride: 16,
        prologue: WinogradKernel.Prologue(), tileStride: 32, frequencyStride: 640),
      { $0.shape.tile = .four }, { $0.shape.height += 1 }, { $0.shape.width += 1 },
      { $0.shape.channels += 1 }, { $0.xStride += 1 }, { $0.prologue.scaleShiftStride = 16 },
      { $0.prologue.activation = .relu }, { $0.tileStride += 1 }, { $0.frequencyStride += 1 }),
    KernelCase(
      WinogradMatmul(
        frequencies: 16, tileColumns: 5, mostRows: 4, channels: 16, aStride: 32,
        aFrequencyStride: 640, cFrequencyStride: 640),
      { $0.frequencies = 36 }, { $0.tileColumns += 1 }, { $0.mostRows += 1 }, { $0.channels += 1 },
      { $0.aStride += 1 }, { $0.aFrequencyStride += 1 }, { $0.cFrequencyStride += 1 },
      { $0.summationBlock = 8 }),
    KernelCase(
      WinogradOutput(
        shape: WinogradShape(tile: .two, height: 8, width: 9, channels: 16), columns: 32,
        outputStride: 40, residualStride: 40, hasBias: false, hasResidual: false,
        frequencyStride: 640),
      { $0.shape.tile = .four }, { $0.shape.height += 1 }, { $0.shape.width += 1 },
      { $0.shape.channels += 1 }, { $0.columns -= 1 }, { $0.outputStride += 1 },
      { $0.residualStride += 1 }, { $0.hasBias = true }, { $0.hasResidual = true },
      { $0.frequencyStride += 1 }),
    KernelCase(
      Conv2dKernel(
        windows: windows, channels: 3, filters: 5, isPlanar: false, hasBias: false, xStride: 3,
        outputStride: 5),
      { $0.windows.height += 1 }, { $0.windows.width += 1 }, { $0.windows.kernelHeight -= 1 },
      { $0.windows.kernelWidth -= 1 }, { $0.windows.stride = 2 }, { $0.windows.padding.top = 0 },
      { $0.windows.padding.left = 0 }, { $0.windows.padding.bottom = 0 },
      { $0.windows.padding.right = 0 }, { $0.channels += 1 }, { $0.filters += 1 },
      { $0.isPlanar = true }, { $0.hasBias = true }, { $0.xStride += 1 },
      { $0.outputStride += 1 }),
    KernelCase(
      MaxPoolKernel(
        windows: windows, channels: 3, border: .lowest, xStride: 3, outputStride: 3),
      { $0.windows.height += 1 }, { $0.windows.width += 1 }, { $0.windows.kernelHeight -= 1 },
      { $0.windows.kernelWidth -= 1 }, { $0.windows.stride = 2 }, { $0.windows.padding.top = 0 },
      { $0.windows.padding.left = 0 }, { $0.windows.padding.bottom = 0 },
      { $0.windows.padding.right = 0 }, { $0.channels += 1 }, { $0.border = .zero },
      { $0.xStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      MomentsKernel(rows: 20, columns: 33, chunk: 6, xStride: 33, outputStride: 33),
      { $0.rows += 1 }, { $0.columns += 1 }, { $0.chunk += 1 }, { $0.xStride += 1 },
      { $0.outputStride += 1 }),
    KernelCase(MomentsBlock(columns: 8, stride: 8), { $0.columns -= 1 }, { $0.stride += 1 }),
    KernelCase(
      GroupScaleShiftKernel(
        op: GroupScaleShift(groups: 4, epsilon: 1e-5, rows: 20, chunk: 6), channels: 16,
        momentsStride: 16, outputStride: 16),
      { $0.op.groups = 2 }, { $0.op.epsilon = 1e-6 }, { $0.op.rows += 1 }, { $0.op.chunk += 1 },
      { $0.channels += 4 }, { $0.momentsStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      NormalizeKernel(
        rows: 9, work: NormalizeRows(channels: 20, xStride: 20, outputStride: 20)),
      { $0.rows += 1 }, { $0.work.channels += 1 }, { $0.work.xStride += 1 },
      { $0.work.outputStride += 1 }, { $0.work.scaleShiftStride = 20 },
      { $0.work.residualStride = 20 }, { $0.work.residualScaleShiftStride = 20 },
      { $0.work.activation = .relu }, { $0.work.result = .bf16 }),
    KernelCase(
      NormalizeRows(channels: 20, xStride: 20, outputStride: 20),
      { $0.channels += 1 }, { $0.xStride += 1 }, { $0.outputStride += 1 },
      { $0.scaleShiftStride = 20 }, { $0.residualStride = 20 },
      { $0.residualScaleShiftStride = 20 },
      { $0.activation = .relu }, { $0.result = .bf16 }),
    KernelCase(
      GroupNormKernel(
        rows: 5, columns: 12, groups: 3, epsilon: 1e-5, xStride: 12, outputStride: 12),
      { $0.rows += 1 }, { $0.columns += 3 }, { $0.groups = 4 }, { $0.epsilon = 1e-6 },
      { $0.isGated = true }, { $0.xStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      FilterResponseNormKernel(
        rows: 5, columns: 12, epsilon: 1e-5, xStride: 12, outputStride: 12),
      { $0.rows += 1 }, { $0.columns += 3 }, { $0.epsilon = 1e-6 }, { $0.xStride += 1 },
      { $0.outputStride += 1 }),
  ]

  /// Attention and its parts.
  private static let attention: [KernelCase] = [
    KernelCase(
      sampleAttention,
      changes: attentionChanges + [
        { $0.addition = .matrix(stride: 41, kinds: nil) },
        { $0.addition = .matrix(stride: 40, kinds: WindowKinds([1, 1])) },
        { $0.addition = .matrix(stride: 40, kinds: WindowKinds([1, 2])) },
        { $0.addition = .matrix(stride: 40, kinds: WindowKinds([2, 1])) },
        { $0.addition = .grid(rows: 4, columns: 10, rowStride: 8, columnStride: 20) },
        { $0.addition = .grid(rows: 10, columns: 4, rowStride: 8, columnStride: 20) },
        { $0.addition = .grid(rows: 4, columns: 10, rowStride: 9, columnStride: 20) },
        { $0.addition = .grid(rows: 4, columns: 10, rowStride: 8, columnStride: 21) },
        { $0.addition = .places(RelativePlaces(grid: [4, 10]), stride: 144) },
        { $0.addition = .places(RelativePlaces(grid: [4, 10]), stride: 160) },
        { $0.addition = .places(RelativePlaces(grid: [3, 13], hasPrefix: true), stride: 144) },
      ]),
    KernelCase(
      ScoreTableRows(
        places: RelativePlaces(grid: [4, 10], windows: [2, 3], shift: [1, 2], separation: 100)),
      { $0.places.grid = [10, 4] }, { $0.places.hasPrefix = true }, { $0.places.windows = nil },
      { $0.places.windows = [3, 2] }, { $0.places.shift = [1, 0] },
      { $0.places.separation = 200 }),
    KernelCase(
      AttentionKernel.ExactRows(attention: sampleAttention, rows: 3),
      changes: changes { (kernel, change) in change(&kernel.attention) } + [{ $0.rows += 1 }]),
    KernelCase(
      KeyPanels(tokens: 17, headDim: 12, stride: 36),
      { $0.tokens += 1 }, { $0.headDim += 1 }, { $0.stride += 1 }, { $0.element = .bf16 },
      { $0.arrangement = .widened }),
    KernelCase(
      ValuePanels(tokens: 17, headDim: 12, stride: 36),
      { $0.tokens += 1 }, { $0.headDim += 1 }, { $0.stride += 1 }, { $0.element = .bf16 },
      { $0.arrangement = .widened }),
    KernelCase(
      ScoreTile(
        rows: 2, columns: 16, depth: 12, qStride: 36, powerStride: 48,
        softmax: SoftmaxExponents(), isFirst: true),
      { $0.rows += 1 }, { $0.columns -= 1 }, { $0.depth += 1 }, { $0.qStride += 1 },
      { $0.powerStride += 1 }, { $0.softmax.scale = 0.5 }, { $0.softmax.base2 = true },
      { $0.isFirst = false }, { $0.element = .bf16 }, { $0.addedStride = 40 },
      { $0.isCausal = true }, { $0.arrangement = .widened }),
    KernelCase(
      SoftmaxBlock(columns: 20), { $0.columns += 1 }, { $0.exponents.scale = 0.5 },
      { $0.exponents.base2 = true }, { $0.sums = 12 }),
    KernelCase(SoftmaxRow(columns: 20), { $0.columns += 1 }),
    KernelCase(
      EmbeddingKernel(rows: 5, vocabulary: 9, columns: 20, tableStride: 20, outputStride: 20),
      { $0.rows += 1 }, { $0.vocabulary += 1 }, { $0.columns += 1 }, { $0.tableStride += 1 },
      { $0.outputStride += 1 }),
    KernelCase(
      PickRowKernel(rows: 5, columns: 20, token: 3, xStride: 20),
      { $0.rows += 1 }, { $0.columns += 1 }, { $0.token = nil }, { $0.token = 4 },
      { $0.xStride += 1 }),
    KernelCase(
      VisibleAttentionKernel(
        attention: sampleAttention, weights: WeightRows(first: 0, count: 20, stride: 40)),
      changes: changes { (kernel, change) in change(&kernel.attention) } + [
        { $0.weights.first = 1 }, { $0.weights.count = 1 }, { $0.weights.stride += 1 },
      ]),
    KernelCase(
      IntegerAttentionKernel(attention: sampleAttention),
      changes: changes { (kernel, change) in change(&kernel.attention) }),
    KernelCase(
      IntegerKeys(tokens: 17, headDim: 12, stride: 36, element: .f32, numberStride: 32),
      { $0.tokens += 1 }, { $0.headDim += 1 }, { $0.stride += 1 }, { $0.element = .bf16 },
      { $0.numberStride += 1 }),
    KernelCase(
      IntegerValues(tokens: 17, headDim: 12, stride: 36, element: .f32, numberStride: 32),
      { $0.tokens += 1 }, { $0.headDim += 1 }, { $0.stride += 1 }, { $0.element = .bf16 },
      { $0.arrangement = .widened }, { $0.numberStride += 1 }),
    KernelCase(
      IntegerPowersRow(columns: 20), { $0.columns += 1 }, { $0.exponents.scale = 0.5 },
      { $0.exponents.base2 = true }),
    KernelCase(
      AttentionWeights(
        queries: 20, tokens: 40, heads: 2, headDim: 12, qStride: 72, kStride: 72,
        weights: WeightRows(first: 0, count: 20, stride: 40)),
      { $0.weights.first = 1 }, { $0.weights.count = 1 }, { $0.queries += 1 }, { $0.tokens += 1 },
      { $0.heads += 1 }, { $0.headDim += 1 },
      { $0.qStride += 1 }, { $0.kStride += 1 }, { $0.weights.stride += 1 }, { $0.scale = 0.5 },
      { $0.base2 = true }, { $0.addedStride = 40 }),
  ]

  /// Each property of an attention changed.
  private static let attentionChanges: [@Sendable (inout AttentionKernel) -> Void] = [
    { $0.queries += 1 }, { $0.tokens += 1 }, { $0.heads += 1 }, { $0.headDim += 2 },
    { $0.qStride += 2 }, { $0.kStride += 2 }, { $0.vStride += 2 }, { $0.outputStride += 2 },
    { $0.scale = 0.5 }, { $0.base2 = true }, { $0.longestBlock = 32 }, { $0.element = .bf16 },
    { $0.windows = 2 }, { $0.isCausal = true }, { $0.reach = 32 },
    { $0.addition = .matrix(stride: 40, kinds: nil) },
  ]

  /// The same of the attention that a kernel has.
  private static func changes<K: Kernel>(
    _ apply: @escaping @Sendable (inout K, (inout AttentionKernel) -> Void) -> Void
  ) -> [@Sendable (inout K) -> Void] {
    attentionChanges.map { change in { apply(&$0, change) } }
  }

  private static let sampleAttention = AttentionKernel(
    queries: 20, tokens: 40, heads: 2, headDim: 12, qStride: 72, kStride: 72, vStride: 72,
    outputStride: 24)

  /// One operation on rows, columns or patches.
  private static let simple: [KernelCase] = [
    KernelCase(
      RowKernel(operation: .copy, rows: 5, columns: 12, xStride: 12, outputStride: 12),
      { $0.operation = .fill(1) }, { $0.operation = .fill(0) }, { $0.operation = .fill(-0.0) },
      { $0.operation = .scale(1) }, { $0.operation = .scale(0) }, { $0.operation = .scale(-0.0) },
      { $0.operation = .activation(.gelu) }, { $0.operation = .activation(.relu) },
      { $0.operation = .add }, { $0.operation = .multiply },
      { $0.operation = .multiplyByRow(extent: 5) }, { $0.operation = .multiplyByRow(extent: 1) },
      { $0.operation = .swiGLU }, { $0.operation = .softmax },
      { $0.operation = .causalSoftmax }, { $0.operation = .center },
      { $0.operation = .layerNorm(epsilon: 1e-5, affine: false) },
      { $0.operation = .layerNorm(epsilon: 1e-6, affine: false) },
      { $0.operation = .layerNorm(epsilon: 1e-5, affine: true) },
      { $0.operation = .rmsNorm(epsilon: 1e-5, weighted: false) },
      { $0.operation = .rmsNorm(epsilon: 1e-6, weighted: false) },
      { $0.operation = .rmsNorm(epsilon: 1e-5, weighted: true) }, { $0.rows += 1 },
      { $0.columns += 1 }, { $0.xStride += 1 }, { $0.yStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      WindowRowsKernel(
        direction: .toWindows, grid: WindowGrid(image: [5, 6], window: [2, 3]), columns: 12,
        hasBorder: false, xStride: 12, outputStride: 12),
      { $0.direction = .toImage }, { $0.grid.image = [6, 6] }, { $0.grid.window = [3, 3] },
      { $0.grid.shift = [1, 1] }, { $0.grid.movesFirst = true }, { $0.columns += 1 },
      { $0.hasBorder = true }, { $0.xStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      RelativeScoresKernel(
        rows: 12, heads: 2, headDim: 8, grid: [3, 4], axis: 0, qStride: 16, tableStride: 5,
        outputStride: 6),
      { $0.rows += 12 }, { $0.heads += 1 }, { $0.headDim += 1 }, { $0.grid = [4, 3] },
      { $0.axis = 1 }, { $0.qStride += 1 }, { $0.tableStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      L2NormKernel(
        rows: 5, heads: 3, headDim: 20, isScaled: false, epsilon: 1, xStride: 60,
        outputStride: 60),
      { $0.rows += 1 }, { $0.heads += 1 }, { $0.headDim += 1 }, { $0.isScaled = true },
      { $0.epsilon = 2 }, { $0.xStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      RoundKernel(rows: 5, columns: 12, xStride: 12, outputStride: 12, element: .f16),
      { $0.rows += 1 }, { $0.columns += 1 }, { $0.xStride += 1 }, { $0.outputStride += 1 },
      { $0.element = .bf16 }),
    KernelCase(
      RolloutKernel(tokens: 20, stride: 20), { $0.tokens += 1 }, { $0.stride += 1 }),
    KernelCase(
      AttentionDistanceKernel(heads: 2, tokens: 20, start: 1, stride: 20, distanceStride: 19),
      { $0.heads += 1 }, { $0.tokens += 1 }, { $0.start += 1 }, { $0.stride += 1 },
      { $0.distanceStride += 1 }),
    KernelCase(
      RopeKernel(
        rows: 5, heads: 3, headDim: 20, isTableOfHeads: false, xStride: 60, tableStride: 20,
        outputStride: 60, element: .f32),
      { $0.rows += 1 }, { $0.heads += 1 }, { $0.headDim += 2 }, { $0.isTableOfHeads = true },
      { $0.xStride += 1 }, { $0.tableStride += 1 }, { $0.outputStride += 1 },
      { $0.element = .bf16 }),
    KernelCase(
      ColumnKernel(operation: .mean, rows: 5, columns: 12, xStride: 12, outputStride: 12),
      { $0.operation = .center }, { $0.matrices += 1 }, { $0.rows += 1 }, { $0.columns += 1 },
      { $0.xStride += 1 }, { $0.outputStride += 1 }),
    KernelCase(
      PatchKernel(channels: 3, height: 12, width: 16, patch: 4, outputStride: 48),
      { $0.channels += 1 }, { $0.height += 1 }, { $0.width += 1 }, { $0.patch = 3 },
      { $0.outputStride += 1 }),
  ]
}
