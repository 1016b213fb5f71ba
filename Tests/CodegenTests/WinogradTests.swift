import Foundation
import Testing

@testable import Codegen
@testable import IR

/// Winograd's convolution on every target that this machine runs, against the plain one in double.
@Suite struct WinogradTests {
  /// One convolution with random operands, and its result in double.
  struct Case {
    let kernel: WinogradKernel
    let x: Floats
    let weight: Floats
    let bias: Floats
    let residual: Floats
    let scaleShift: Floats
    let expected: [Double]

    init(_ kernel: WinogradKernel, seed: UInt64) {
      var random = Random(state: seed)
      self.kernel = kernel
      let (height, width) = (kernel.shape.height, kernel.shape.width)
      let (channels, columns) = (kernel.shape.channels, kernel.columns)
      let pixels = height * width
      let x = Floats(random.floats(pixels * kernel.xStride))
      let plain = Tensor(
        shape: [columns, channels, 3, 3], values: random.floats(columns * channels * 9))
      let scaleShiftStride = kernel.prologue.scaleShiftStride ?? channels
      let scaleShift = Floats(random.floats(2 * scaleShiftStride))
      let bias = Floats(random.floats(columns))
      let residual = Floats(random.floats(pixels * max(kernel.residualStride, columns)))
      (self.x, self.bias, self.residual, self.scaleShift) = (x, bias, residual, scaleShift)
      weight = Floats(WinogradWeight(tile: kernel.shape.tile).evaluate([plain]).values)

      func pixel(_ row: Int, _ column: Int, _ channel: Int) -> Double {
        guard (0..<height).contains(row), (0..<width).contains(column) else { return 0 }
        var value = Double(x.pointer[(row * width + column) * kernel.xStride + channel])
        if kernel.prologue.scaleShiftStride != nil {
          value =
            value * Double(scaleShift.pointer[channel])
            + Double(scaleShift.pointer[scaleShiftStride + channel])
        }
        return kernel.prologue.activation?(value) ?? value
      }
      var expected: [Double] = []
      for row in 0..<height {
        for column in 0..<width {
          let window = (0..<9).map { tap in
            (0..<channels).map { pixel(row + tap / 3 - 1, column + tap % 3 - 1, $0) }
          }
          for n in 0..<columns {
            var sum = 0.0
            for tap in 0..<9 {
              for c in 0..<channels {
                sum += window[tap][c] * Double(plain.values[(n * channels + c) * 9 + tap])
              }
            }
            if kernel.hasBias { sum += Double(bias.pointer[n]) }
            if kernel.hasResidual {
              let place = (row * width + column) * kernel.residualStride + n
              sum += Double(residual.pointer[place])
            }
            expected.append(sum)
          }
        }
      }
      self.expected = expected
    }

    /// Runs it divided among `count` tasks and returns the result with its padding, and after it
    /// the moments.
    func run(_ function: NativeKernel<WinogradKernel>, count: Int) -> Floats {
      let pixels = kernel.shape.height * kernel.shape.width
      let chunks = kernel.chunk.map { Moments.chunks(rows: pixels, chunk: $0) } ?? 0
      let output = Floats(
        count: pixels * kernel.outputStride + 2 * chunks * kernel.momentsStride
      ) { _ in -7 }
      let scratch = Floats(count: kernel.scratchBytes / 4) { _ in .nan }
      function.all(
        [
          .x: x.pointer, .weight: weight.pointer, .output: output.pointer,
          .moments: output.pointer + pixels * kernel.outputStride, .bias: bias.pointer,
          .residual: residual.pointer, .scaleShift: scaleShift.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(output.isIntact && scratch.isIntact)
      return output
    }

    func check(on target: Target) throws {
      let function = try NativeKernel(kernel, on: target)
      let whole = run(function, count: 1)
      let (columns, stride) = (kernel.columns, kernel.outputStride)
      let pixels = kernel.shape.height * kernel.shape.width
      var worst = 0.0
      for i in 0..<pixels {
        for j in 0..<stride {
          let found = whole.pointer[i * stride + j]
          if j >= columns {
            #expect(found == -7, "\(kernel) wrote into the padding of pixel \(i)")
          } else {
            let distance = abs(Double(found) - expected[i * columns + j])
            worst = max(worst, distance.isNaN ? .infinity : distance)
          }
        }
      }
      let depth = Double(9 * kernel.shape.channels)
      let tolerance = (kernel.shape.tile == .four ? 1e-5 : 4e-6) * depth.squareRoot()
      #expect(worst <= tolerance, "\(target.name) \(kernel)")
      try checkMoments(whole, target)
      for count in [2, 3, 7, 64] {
        #expect(run(function, count: count).values == whole.values, "\(count) tasks: \(kernel)")
      }
    }

    /// The moments are those of what was stored.
    private func checkMoments(_ whole: Floats, _ target: Target) throws {
      guard let chunk = kernel.chunk else { return }
      func rows(_ count: Int, stride: Int, from start: Int = 0) -> Tensor {
        let values = (0..<count).flatMap { row in
          (0..<kernel.columns).map { whole.pointer[start + row * stride + $0] }
        }
        return Tensor(shape: [count, kernel.columns], values: values)
      }
      let pixels = kernel.shape.height * kernel.shape.width
      let expected = Moments(chunk: chunk)
        .evaluate([rows(pixels, stride: kernel.outputStride)])
      let found = rows(
        expected.rows, stride: kernel.momentsStride, from: pixels * kernel.outputStride)
      for (x, y) in zip(found.values, expected.values) {
        #expect(abs(x - y) <= 1e-5 * (100 + abs(y)), "\(target.name) moments of \(kernel)")
      }
    }
  }

  /// Images smaller than a tile, whole multiples of it and remainders; chunks of several sizes.
  @Test(arguments: Target.runnableHere)
  func everyImage(_ target: Target) throws {
    for tile in WinogradTile.allCases {
      for (index, extent) in [(1, 1), (3, 2), (6, 9), (8, 4), (14, 15)].enumerated() {
        let channels = [5, 16, 33, 1, 20][index]
        let columns = [64, 7, 40, 33, 32][index]
        let shape = WinogradShape(
          tile: tile, height: extent.0, width: extent.1, channels: channels)
        try Case(
          WinogradKernel(
            shape: shape, columns: columns, xStride: channels + index % 3,
            outputStride: columns + index % 4),
          seed: UInt64(index)
        ).check(on: target)
      }
    }
  }

  @Test(arguments: Target.runnableHere)
  func everyPrologueAndEpilogue(_ target: Target) throws {
    for bits in [1, 2, 4, 8, 15] {
      func bit(_ index: Int) -> Bool { bits >> index & 1 != 0 }
      let shape = WinogradShape(
        tile: bits % 2 == 0 ? .four : .two, height: 9, width: 10, channels: 18)
      let kernel = WinogradKernel(
        shape: shape, columns: 37, xStride: 20, outputStride: 40, residualStride: 38,
        prologue: .init(
          scaleShiftStride: bit(0) ? 19 : nil, activation: bit(1) ? (bit(0) ? .relu : .tanh) : nil),
        hasBias: bit(2), hasResidual: bit(3))
      try Case(kernel, seed: UInt64(bits)).check(on: target)
    }
  }

  /// Chunks of one row of tiles, of more, of the whole image; and blocks of several chunks.
  @Test(arguments: Target.runnableHere)
  func everyChunk(_ target: Target) throws {
    for (tile, chunk) in [
      (WinogradTile.four, 4 * 9), (.four, 99), (.two, 2 * 9), (.two, 8 * 9),
    ] {
      let shape = WinogradShape(tile: tile, height: 11, width: 9, channels: 7)
      let kernel = WinogradKernel(
        shape: shape, columns: 43, xStride: 7, outputStride: 43, momentsStride: 45,
        chunk: chunk)
      try Case(kernel, seed: UInt64(chunk)).check(on: target)
    }
    // V of the whole image is beyond a block.
    let shape = WinogradShape(tile: .two, height: 18, width: 18, channels: 200)
    let kernel = WinogradKernel(
      shape: shape, columns: 32, xStride: 200, outputStride: 32, momentsStride: 32,
      chunk: 2 * 18)
    try Case(kernel, seed: 1).check(on: target)
  }

  /// Convolutions that differ in the parts of their sums only, as a model's with `--rewrites` in
  /// the middle of a pass has them, share no code, and each sums as it says.
  @Test(arguments: Target.runnableHere)
  func partsOfSums(_ target: Target) throws {
    let shape = WinogradShape(tile: .two, height: 4, width: 4, channels: 800)
    let long = WinogradKernel(shape: shape, columns: 32, xStride: 800, outputStride: 32)
    var short = long
    short.summationBlock = 16
    let alone = try [long, short].map { kernel in
      let test = Case(kernel, seed: 1)
      return test.run(try NativeKernel(kernel, on: target), count: 1).values
    }
    #expect(alone[0] != alone[1], "blocks change last bits")
    for (index, (first, second)) in [(short, long), (long, short)].enumerated() {
      let together = try NativeKernel(second, on: target) { b in b.export(first, as: "first") }
      #expect(Case(second, seed: 1).run(together, count: 1).values == alone[index])
    }
  }

  /// The same from the graph on: nodes that differ in the blocks of their sums are two functions.
  @Test func partsOfSumsInAGraph() throws {
    var builder = GraphBuilder(name: "test", form: .fused)
    let x = try builder.append(.input(Input(type: .f32(16, 800))), name: "x")
    let w = try builder.append(.weight(Weight(tensor: "w", shape: [1, 16, 800, 32])), name: "w")
    for (name, part) in [("a", nil), ("b", 16), ("c", nil)] as [(String, Int?)] {
      let op = Convolution(
        width: 4, kernel: [3, 3], padding: Padding(1), algorithm: .winograd(.two),
        summation: Summation(block: part), columns: 32)
      builder.addOutput(name, try builder.append(.convolution(op), [x, w], name: name))
    }
    let graph = builder.graph.placed(
      [
        Placement(.image, offsetBytes: 0, rowStride: 800),
        Placement(.weights, offsetBytes: 0, rowStride: 32),
      ] + (0..<3).map { Placement(.output($0), offsetBytes: 0, rowStride: 32) })
    let program = ProgramInfo(
      name: "m", model: "m", compilerVersion: "0", weightsBytes: 0, arenaBytes: 0)
    let output = try CodeGenerator.generate(graph, for: [.x86v2], program: program, as: .llvm)
    let text = String(decoding: output.modules[0], as: UTF8.self)
    let called = ["a", "b", "c"].enumerated().map { index, name in
      let step = text.components(separatedBy: "@step_\(index)_\(name)(")[1]
      return step.firstMatch(of: /call void @(winograd_tile2\w+)/).map { String($0.1) }
    }
    #expect(called[0] != nil && called[0] == called[2] && called[0] != called[1], "\(called)")
  }
}
