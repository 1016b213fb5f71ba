import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Convolutions of many shapes, and what group norms are made of, against the reference semantics,
/// on every target that this machine runs; the step tests' check compares the bits of splits.
@Suite struct ConvolutionTests {
  /// One convolution with everything that its attributes ask for.
  func check(
    _ op: Convolution, height: Int, channels: Int, out: Int, on target: Target,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var op = op
    op.columns = out
    let depth = op.kernel[0] * op.kernel[1] * channels
    let x = op.width.map { [height * $0, channels] } ?? [channels, height, height + 3]
    var shapes = [x, [(out + 31) / 32, depth, 32]]
    if op.prologue.isNormalized { shapes.append([2, channels]) }
    if op.epilogue.hasBias { shapes.append([out]) }
    if op.epilogue.hasResidual {
      shapes.append([op.windows(of: TensorType(.f32, x)).count, out])
    }
    // The weights are uniform too; a sum of `depth` products, and moments of some hundred sums.
    let tolerance = 3e-5 * Float(depth).squareRoot() * (op.chunk == nil ? 1 : 30)
    try StepTests().check(
      .convolution(op), shapes, on: target, tolerance: tolerance, range: -1...1,
      sourceLocation: sourceLocation)
  }

  @Test(arguments: Target.runnableHere)
  func pointwise(_ target: Target) throws {
    for (height, width, stride) in [(7, 7, 1), (14, 14, 1), (9, 5, 2), (28, 28, 1), (1, 1, 1)] {
      for (channels, out) in [(16, 32), (20, 70), (3, 5)] {
        var op = Convolution(width: width, kernel: [1, 1], stride: stride)
        try check(op, height: height, channels: channels, out: out, on: target)
        op.prologue = Prologue(isNormalized: true, activation: .relu)
        op.epilogue.hasResidual = true
        op.chunk = Moments.chunk(
          height: (height - 1) / stride + 1, width: (width - 1) / stride + 1)
        try check(op, height: height, channels: channels, out: out, on: target)
      }
    }
  }

  @Test(arguments: Target.runnableHere)
  func windows(_ target: Target) throws {
    let paddings = [
      Padding(1), Padding(top: 0, left: 0, bottom: 1, right: 1), Padding(),
      Padding(top: 2, left: 0, bottom: 1, right: 1),
    ]
    for (index, (height, width)) in [(7, 7), (14, 14), (9, 31), (30, 4), (3, 16)].enumerated() {
      for stride in [1, 2] {
        let out = [32, 48, 7, 70][(index + stride) % 4]
        let op = Convolution(
          width: width, kernel: [3, index == 4 ? 2 : 3], stride: stride,
          padding: paddings[(index + stride) % 4],
          prologue: index % 2 == 0 ? Prologue(isNormalized: true, activation: .relu) : Prologue(),
          epilogue: IR.Epilogue(hasBias: index % 3 == 0, hasResidual: stride == 1),
          chunk: index == 2 ? 5 : nil)
        var withMoments = op
        if withMoments.chunk == nil {
          let g = op.windows(of: .f32(height * width, 8))
          withMoments.chunk = Moments.chunk(height: g.rows, width: g.columns)
        }
        try check(op, height: height, channels: 8, out: out, on: target)
        try check(withMoments, height: height, channels: 20, out: out, on: target)
      }
    }
  }

  @Test(arguments: Target.runnableHere)
  func planar(_ target: Target) throws {
    for (size, kernel, padding) in [
      (32, 7, Padding(3)), (31, 7, Padding(top: 2, left: 2, bottom: 3, right: 3)),
      (12, 3, Padding()), (9, 5, Padding(top: 0, left: 4, bottom: 2, right: 1)),
    ] {
      let op = Convolution(
        width: nil, kernel: [kernel, kernel], stride: 2, padding: padding, chunk: 4)
      try check(op, height: size, channels: 3, out: 40, on: target)
    }
  }

  /// Depths that are sums of parts: of lines of the window, of its pixels, of parts of channels.
  @Test(arguments: Target.runnableHere)
  func depths(_ target: Target) throws {
    for channels in [96, 260, 776, 1544] {
      let op = Convolution(width: 4, kernel: [3, 3], padding: Padding(1))
      try check(op, height: 4, channels: channels, out: 33, on: target)
      let point = Convolution(
        width: 4, kernel: [1, 1], prologue: Prologue(isNormalized: true, activation: .relu))
      try check(point, height: 4, channels: channels, out: 33, on: target)
    }
    // Few pixels: several chains.
    let op = Convolution(width: 2, kernel: [3, 3], padding: Padding(1))
    try check(op, height: 1, channels: 100, out: 40, on: target)
  }

  @Test(arguments: Target.runnableHere)
  func moments(_ target: Target) throws {
    for (rows, columns, chunk) in [(49, 64, 49), (20, 33, 6), (5, 7, 1), (28, 32, 14)] {
      try StepTests().check(
        .moments(Moments(chunk: chunk)), [[rows, columns]], on: target, tolerance: 1e-4)
    }
  }

  /// The mean may be a thousand deviations away from zero: `E[x^2] - mean^2` in single precision
  /// would have no correct digit.
  @Test(arguments: Target.runnableHere)
  func momentsFarFromZero(_ target: Target) throws {
    try StepTests().check(
      .moments(Moments(chunk: 64)), [[64, 32]], on: target, tolerance: 0.02, range: 999...1001)
  }

  @Test(arguments: Target.runnableHere)
  func groupScaleShift(_ target: Target) throws {
    for (channels, groups, rows, chunk) in [(64, 32, 49, 49), (96, 3, 100, 28), (15, 5, 7, 2)] {
      let op = GroupScaleShift(groups: groups, epsilon: 1e-5, rows: rows, chunk: chunk)
      let chunks = Moments.chunks(rows: rows, chunk: chunk)
      try StepTests().check(
        .groupScaleShift(op), [[2 * chunks, channels], [channels], [channels]], on: target,
        tolerance: 2e-5, range: 0.5...2)
    }
  }

  @Test(arguments: Target.runnableHere)
  func normalize(_ target: Target) throws {
    for channels in [5, 32, 100] {
      let (x, factors) = ([7, channels], [2, channels])
      try StepTests().check(.normalize(Normalize()), [x, factors], on: target)
      try StepTests().check(
        .normalize(Normalize(activation: .relu)), [x, factors, x], on: target)
      try StepTests().check(
        .normalize(Normalize(activation: .relu)), [x, factors, x, factors], on: target)
    }
  }
}
