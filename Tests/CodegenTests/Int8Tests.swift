import Glibc
import Testing

@testable import Codegen
@testable import IR

/// Products of 8-bit integers on every target that this machine runs, with instructions for them
/// and without.
@Suite struct Int8Tests {
  /// A kernel over 8-bit integers, its weight, and its run.
  private struct Case {
    let kernel: ContractionKernel
    let x: Tensor
    let weight: Tensor
    let factors: Tensor
    let residual: Tensor

    /// `x` is the left matrix without padding, `weight` what is quantized.
    init(_ kernel: ContractionKernel, x: [Float], weight: [Float], bias: [Float], seed: UInt64) {
      var kernel = kernel
      kernel.factors = .s8
      kernel.hasBias = true
      self.kernel = kernel
      let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
      self.x = Tensor(shape: [m, k], values: x)
      let floats = Tensor(shape: [n, k], values: weight)
      self.weight = Op.quantize(Quantize()).evaluate([floats])
      factors = ChannelFactors().evaluate([floats, Tensor(shape: [n], values: bias)])
      var random = Random(state: seed)
      residual = Tensor(shape: [m, n], values: random.floats(m * n))
    }

    var expected: Tensor {
      let op = Contraction(
        epsilon: kernel.epsilon, activation: kernel.activation, hasBias: true,
        hasResidual: kernel.hasResidual, points: kernel.points)
      return op.evaluate([x, weight, factors] + (kernel.hasResidual ? [residual] : []))
    }

    func run(on target: Target) throws -> [Float] {
      let function = try NativeFunction(target: target) { b in
        b.exportAsRun(kernel.function(b), pointers: 6)
      }
      let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
      let a = Floats(count: m * kernel.aStride) { index in
        let (row, column) = (index / kernel.aStride, index % kernel.aStride)
        return column < k ? x.values[row * k + column] : .nan
      }
      let packed = Op.pack(Pack()).evaluate([weight]).values
      let panels = Floats(
        stride(from: 0, to: packed.count, by: 4).map { first in
          let word = (0..<4).reduce(UInt32(0)) {
            $0 | UInt32(UInt8(bitPattern: Int8(packed[first + $1]))) << UInt32(8 * $1)
          }
          return Float(bitPattern: word)
        })
      let (f, r) = (Floats(factors.values), Floats(residual.values))
      func run(_ count: Int) -> [Float] {
        let c = Floats(count: m * n)
        let scratch = Floats(count: kernel.scratchBytes / 4) { _ in .nan }
        function.all(
          [a.pointer, panels.pointer, c.pointer, f.pointer, r.pointer, scratch.pointer],
          count: count)
        #expect(c.isIntact && scratch.isIntact)
        return c.values
      }
      let whole = run(1)
      for count in [2, 3, 7, 64] { #expect(run(count) == whole, "\(count) tasks: \(kernel)") }
      return whole
    }
  }

  /// Rows of integers from 0 to 255 are quantized to themselves, so the products must be those of
  /// integers, bit for bit; also where two products of bytes do not fit in 16 bits.
  @Test(arguments: Target.runnableHere)
  func productsAreExact(_ target: Target) throws {
    for (index, rows) in [1, 2, 3, 5, 8, 14, 15, 31, 60].enumerated() {
      let depth = [4, 1, 7, 64, 65, 130, 512, 33, 96][index]
      let columns = [32, 33, 8, 64, 31, 100, 40, 5, 32][index]
      var random = Random(state: UInt64(rows))
      var x = (0..<rows * depth).map { _ in Float(Int.random(in: 0...255, using: &random)) }
      var weight = (0..<columns * depth).map { _ in
        Float(Int.random(in: -127...127, using: &random))
      }
      for row in 0..<rows where depth > 1 { (x[row * depth], x[row * depth + 1]) = (0, 255) }
      if depth == 512 { for i in 0..<depth where i != 0 { (x[i], weight[i]) = (255, 127) } }
      for row in 0..<columns { weight[row * depth] = 127 }
      if depth == 1 { x = Array(repeating: 0, count: rows) }
      let kernel = ContractionKernel(
        rows: rows, columns: columns, depth: depth, aStride: depth + 3, cStride: columns)
      let bias = Array(repeating: Float(0), count: columns)
      let found = try Case(kernel, x: x, weight: weight, bias: bias, seed: 1).run(on: target)
      for m in 0..<rows {
        for n in 0..<columns {
          let sum = (0..<depth).reduce(0) {
            $0 + Int(x[m * depth + $1]) * Int(weight[n * depth + $1])
          }
          #expect(found[m * columns + n] == Float(sum), "\(target.name) \(kernel)")
        }
      }
    }
  }

  /// Norms, rotations, activations and residuals.
  ///
  /// An element near the middle of two integers may go to either: a step of its row, times the
  /// largest weight.
  @Test(arguments: Target.runnableHere)
  func epilogues(_ target: Target) throws {
    for (index, activation) in ([nil] + ActivationFunction.allCases).enumerated() {
      for bits in 0..<4 {
        let depth = [48, 64, 160, 96][bits]
        var kernel = ContractionKernel(
          rows: [1, 4, 15, 30][(index + bits) % 4], columns: 45, depth: depth, aStride: depth + 1,
          cStride: 45, residualStride: 45, epsilon: bits & 1 != 0 ? 1e-6 : nil,
          activation: activation, hasResidual: bits & 2 != 0)
        kernel.points = [nil, 16, 4, 2][(index + bits) % 4]
        var random = Random(state: UInt64(index * 4 + bits))
        let test = Case(
          kernel, x: random.floats(kernel.rows * depth, -1...3),
          weight: random.floats(45 * depth), bias: random.floats(45), seed: 2)
        let (found, expected) = (try test.run(on: target), test.expected.values)
        let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst <= 3e-2, "\(target.name) \(kernel): \(worst)")
        let off = zip(found, expected).count { abs($0 - $1) > 1e-4 }
        #expect(off <= found.count / 4, "\(target.name) \(kernel): \(off) of \(found.count)")
      }
    }
  }

  /// A row of equal elements has no steps.
  @Test(arguments: Target.runnableHere)
  func constantRows(_ target: Target) throws {
    let kernel = ContractionKernel(rows: 3, columns: 40, depth: 20, aStride: 20, cStride: 40)
    var random = Random(state: 5)
    let x = Array(repeating: Float(0), count: 20) + Array(repeating: Float(-3), count: 40)
    let test = Case(
      kernel, x: x, weight: random.floats(800), bias: random.floats(40), seed: 3)
    let found = try test.run(on: target)
    let worst = zip(found, test.expected.values).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst <= 1e-4, "\(target.name): \(worst)")
  }
}
