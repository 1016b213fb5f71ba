import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Fused linear layers by Strassen's algorithm on every target that this machine runs.
@Suite struct StrassenTests {
  /// Runs a kernel on random operands, divided in many ways, and holds it to the same product in
  /// double.
  private func check(_ kernel: StrassenKernel, seed: UInt64, on target: Target) throws {
    var random = Random(state: seed)
    let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
    let a = Floats(random.floats(m * kernel.aStride))
    let weight = Tensor(shape: [n, k], values: random.floats(n * k))
    let panels = Floats(Pack().evaluate([weight]).values)
    let bias = Floats(random.floats(n))
    let residual = Floats(random.floats(m * max(kernel.residualStride, n)))
    let function = try NativeKernel(kernel, on: target)
    func run(count: Int) -> [Float] {
      let c = Floats(count: m * kernel.cStride) { _ in -7 }
      let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
      function.all(
        [
          .a: a.pointer, .panels: panels.pointer, .c: c.pointer, .bias: bias.pointer,
          .residual: residual.pointer, .scratch: scratch.pointer,
        ], count: count)
      #expect(c.isIntact && scratch.isIntact)
      return c.values
    }
    let whole = run(count: 1)
    var (error, size) = (0.0, 0.0)
    for i in 0..<m {
      let row = (0..<k).map { Double(a.pointer[i * kernel.aStride + $0]) }
      let square = row.reduce(0) { $0 + $1 * $1 } / Double(k)
      let scale = kernel.epsilon.map { 1 / (square + Double($0)).squareRoot() } ?? 1
      for j in 0..<kernel.cStride {
        let found = whole[i * kernel.cStride + j]
        guard j < n else {
          #expect(found == -7, "wrote into the padding of row \(i)")
          continue
        }
        var y = 0.0
        for p in 0..<k { y += row[p] * Double(weight.values[j * k + p]) }
        y *= scale
        if kernel.hasBias { y += Double(bias.pointer[j]) }
        y = kernel.activation?(y) ?? y
        if kernel.hasResidual { y += Double(residual.pointer[i * kernel.residualStride + j]) }
        error += (Double(found) - y) * (Double(found) - y)
        size += y * y
      }
    }
    #expect((error / size).squareRoot() <= 2e-6, "\(target.name) \(kernel)")
    for count in [2, 3, 7, 64] {
      #expect(run(count: count) == whole, "\(count) tasks: \(kernel)")
    }
  }

  /// Even and odd numbers of rows, one block of pairs and several, one chunk of the depth and
  /// several.
  @Test(arguments: Target.runnableHere)
  func shapes(_ target: Target) throws {
    let shapes = [
      (2, 64, 32), (3, 128, 64), (57, 192, 96), (197, 64, 832), (260, 128, 160), (455, 64, 1600),
    ]
    for (index, (rows, columns, depth)) in shapes.enumerated() {
      try check(
        StrassenKernel(
          rows: rows, columns: columns, depth: depth, aStride: depth + 16 * (index % 2),
          cStride: columns + index % 3),
        seed: UInt64(index), on: target)
    }
  }

  @Test(arguments: Target.runnableHere)
  func epilogues(_ target: Target) throws {
    for bits in 0..<16 {
      try check(
        StrassenKernel(
          rows: 31, columns: 128, depth: 64, aStride: 80, cStride: 144, residualStride: 136,
          epsilon: bits & 1 != 0 ? 1e-6 : nil, hasBias: bits & 2 != 0,
          activation: bits & 4 != 0 ? .gelu : nil, hasResidual: bits & 8 != 0),
        seed: UInt64(bits), on: target)
    }
  }
}
