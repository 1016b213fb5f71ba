import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Fused linear layers of many shapes on every target that this machine runs.
@Suite struct FusedLinearTests {
  /// One fused linear layer with random operands, and its result in double.
  struct Case {
    let kernel: FusedLinearKernel
    let a: Floats
    let panels: Floats
    let bias: Floats
    let residual: Floats
    let expected: [Double]

    init(_ kernel: FusedLinearKernel, seed: UInt64) {
      var random = Random(state: seed)
      self.kernel = kernel
      let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
      let a = Floats(random.floats(m * kernel.aStride))
      self.a = a
      let weight = Tensor(shape: [n, k], values: random.floats(n * k))
      panels = Floats(Pack().evaluate([weight]).values)
      bias = Floats(random.floats(n))
      residual = Floats(random.floats(m * max(kernel.residualStride, n)))
      var expected = Array(repeating: 0.0, count: m * n)
      for i in 0..<m {
        let row = (0..<k).map { Double(a.pointer[i * kernel.aStride + $0]) }
        let square = row.reduce(0) { $0 + $1 * $1 } / Double(k)
        let scale = kernel.epsilon.map { 1 / (square + Double($0)).squareRoot() } ?? 1
        for j in 0..<n {
          var y = 0.0
          for p in 0..<k { y += row[p] * Double(weight.values[j * k + p]) }
          y *= scale
          if kernel.hasBias { y += Double(bias.pointer[j]) }
          y = kernel.activation?(y) ?? y
          if kernel.hasResidual { y += Double(residual.pointer[i * kernel.residualStride + j]) }
          expected[i * n + j] = y
        }
      }
      self.expected = expected
    }

    /// Runs it divided among `count` tasks and returns the result with its padding.
    func run(
      _ function: NativeKernel<FusedLinearKernel>, count: Int, on target: Target
    ) -> Floats {
      let c = Floats(count: kernel.rows * kernel.cStride) { _ in -7 }
      let scratch = Floats(count: max(16, kernel.scratchBytes(target) / 4))
      function.all(
        [
          .a: a.pointer, .panels: panels.pointer, .c: c.pointer, .bias: bias.pointer,
          .residual: residual.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(c.isIntact && scratch.isIntact)
      return c
    }

    func check(on target: Target) throws {
      let function = try NativeKernel(kernel, on: target)
      let whole = run(function, count: 1, on: target)
      var worst = 0.0
      for i in 0..<kernel.rows {
        for j in 0..<kernel.cStride {
          let found = whole.pointer[i * kernel.cStride + j]
          if j >= kernel.columns {
            #expect(found == -7, "\(kernel) wrote into the padding of row \(i)")
          } else {
            worst = max(worst, abs(Double(found) - expected[i * kernel.columns + j]))
          }
        }
      }
      #expect(
        worst <= 4e-6 * Double(kernel.depth).squareRoot() + 2e-6, "\(target.name) \(kernel)")
      for count in [2, 3, 7, 64] {
        let again = run(function, count: count, on: target)
        #expect(again.values == whole.values, "\(count) tasks: \(kernel)")
      }
    }
  }

  @Test(arguments: Target.runnableHere)
  func everyHeight(_ target: Target) throws {
    for rows in Array(1...40) + [197] {
      let columns = [32, 64, 40, 8, 33, 100, 31, 1][rows % 8]
      let depth = [64, 65, 7, 30, 3, 128, 1, 13][(rows / 3) % 8]
      try Case(
        FusedLinearKernel(
          rows: rows, columns: columns, depth: depth, aStride: depth + rows % 3,
          cStride: columns + rows % 5),
        seed: UInt64(rows)
      ).check(on: target)
    }
  }

  @Test(arguments: Target.runnableHere)
  func everyEpilogue(_ target: Target) throws {
    let activations: [ActivationFunction?] = [nil] + ActivationFunction.allCases
    for (index, activation) in activations.enumerated() {
      // Every combination with none and GELU, the baseline and the fullest with the others.
      for bits in 0..<8 where index < 2 || bits == 0 || bits == 7 {
        let kernel = FusedLinearKernel(
          rows: [1, 3, 29, 50][(index + bits) % 4], columns: 45, depth: 36, aStride: 36,
          cStride: 48, residualStride: 47, epsilon: bits & 1 != 0 ? 1e-6 : nil,
          hasBias: bits & 2 != 0, activation: activation, hasResidual: bits & 4 != 0)
        try Case(kernel, seed: UInt64(index * 8 + bits)).check(on: target)
      }
    }
  }

  /// Depths around the length of a part, for few rows (whose sums run in several chains) and many.
  @Test(arguments: Target.runnableHere)
  func everyDepth(_ target: Target) throws {
    for (index, depth) in [255, 577, 767, 768, 769, 1535, 1538, 2305].enumerated() {
      for rows in [1, 2, 15] {
        let kernel = FusedLinearKernel(
          rows: rows, columns: 33, depth: depth, aStride: depth, cStride: 33,
          epsilon: index % 2 == 0 ? 1e-6 : nil, hasBias: index % 3 == 0)
        try Case(kernel, seed: UInt64(depth)).check(on: target)
      }
    }
  }

  /// The error grows with the length of a part, not with the depth: all products are equal, so each
  /// rounding of a single chain of 65536 additions would go the same way.
  @Test(arguments: Target.runnableHere)
  func partsKeepTheErrorSmall(_ target: Target) throws {
    let depth = 65_536
    let kernel = FusedLinearKernel(rows: 5, columns: 32, depth: depth, aStride: depth, cStride: 32)
    let function = try NativeKernel(kernel, on: target)
    let a = Floats(count: 5 * depth) { _ in 1 }
    let panels = Floats(count: depth * 32) { _ in 0.1 }
    let c = Floats(count: 5 * 32)
    function.all(
      [
        .a: a.pointer, .panels: panels.pointer, .c: c.pointer, .bias: nil, .residual: nil,
        .scratch: nil,
      ], count: 1)
    let truth = Double(Float(0.1)) * Double(depth)
    let worst = c.values.map { abs(Double($0) - truth) / truth }.max() ?? .infinity
    #expect(worst <= 3e-5, "\(target.name): \(worst)")
  }
}
