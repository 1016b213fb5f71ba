import Diagnostics
import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// Products of 8-bit integers on every target that this machine runs, with instructions for them
/// and without, and with AVX-VNNI's and AMX's, which are trapped where it has none.
@Suite struct Int8Tests {
  /// A kernel over 8-bit integers, its weight, and its run.
  private struct Case {
    let kernel: FusedLinearKernel
    let x: Tensor
    let weight: Tensor
    let factors: Tensor
    let residual: Tensor

    /// `x` is the left matrix without padding, `weight` what is quantized.
    init(_ kernel: FusedLinearKernel, x: [Float], weight: [Float], bias: [Float], seed: UInt64) {
      var kernel = kernel
      kernel.operandType = .s8
      kernel.hasBias = true
      kernel.channelStride = kernel.columns
      self.kernel = kernel
      let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
      self.x = Tensor(shape: [m, k], values: x).rounded(to: kernel.left)
      let floats = Tensor(shape: [n, k], values: weight)
      self.weight = Op.quantize(Quantize()).evaluate([floats])
      factors = QuantizationParameters().evaluate([floats, Tensor(shape: [n], values: bias)])
      var random = Random(state: seed)
      residual = Tensor(shape: [m, n], values: random.floats(m * n))
    }

    var expected: Tensor {
      let op = FusedLinear(
        prologue: Prologue(epsilon: kernel.epsilon, hadamardSize: kernel.hadamardSize),
        epilogue: IR.Epilogue(
          hasBias: true, activation: kernel.activation, hasResidual: kernel.hasResidual,
          result: kernel.result))
      return op.evaluate([x, weight, factors] + (kernel.hasResidual ? [residual] : []))
    }

    /// By how much results of each row may differ: an element in the middle of two integers may go
    /// to either, which is a step of its row, times a weight of at most 1, times the steepest slope
    /// of an activation (1.13, of gelu).
    var doubt: [Float] {
      let rotated = kernel.hadamardSize.map { Op.hadamard(Hadamard(size: $0)).evaluate([x]) } ?? x
      let norms = kernel.epsilon.map { FusedLinear.rowScales(x, epsilon: $0) }
      return (0..<kernel.rows).map { i in
        let elements = rotated.values[i * kernel.depth..<(i + 1) * kernel.depth]
        let row = QuantizedRow(elements)
        let ties = elements.count {
          let place = ($0 - row.lowest) / row.step
          return abs(place - place.rounded(.down) - 0.5) < 1e-3
        }
        return Float(ties) * row.step * Float(norms?[i] ?? 1) * 1.13
      }
    }

    func run(on target: Target) throws -> [Float] {
      let function = try NativeKernel(kernel, on: target)
      let (m, n, k) = (kernel.rows, kernel.columns, kernel.depth)
      var rows = Tensor(shape: [m, kernel.aStride], repeating: .nan)
      for i in 0..<m {
        for j in 0..<k { rows.values[i * kernel.aStride + j] = x.values[i * k + j] }
      }
      let a = Floats.words(rows.rounded(to: kernel.left))
      let panels = Floats.words(Op.pack(Pack()).evaluate([weight]))
      let (f, r) = (Floats(factors.values), Floats(residual.values))
      func run(_ count: Int) -> [Float] {
        let c = Floats(count: (m * n * kernel.result.sizeBytes + 3) / 4)
        let scratch = Floats(count: kernel.scratchBytes(target) / 4) { _ in .nan }
        function.all(
          [
            .a: a.pointer, .panels: panels.pointer, .c: c.pointer, .bias: f.pointer,
            .residual: r.pointer, .scratch: scratch.pointer,
          ], count: count)
        #expect(c.isIntact && scratch.isIntact)
        return (0..<m * n).map { BF16Tests.element(kernel.result, c, $0) }
      }
      let whole = run(1)
      let bits = whole.map(\.bitPattern)
      for count in Target.isTrapped(target) ? [3] : [2, 3, 7, 64] {
        #expect(run(count).map(\.bitPattern) == bits, "\(count) tasks: \(kernel)")
      }
      return whole
    }
  }

  /// Rows of integers from 0 to 255 are quantized to themselves, so the products must be those of
  /// integers, bit for bit; also where two products of bytes do not fit in 16 bits.
  @Test(
    arguments: Target.multiplyingIntegers + Target.arm("neon", "neon+dotprod", "neon+i8mm"))
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
      let kernel = FusedLinearKernel(
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

  /// Norms, rotations, activations and residuals; rows and results of f32 and bf16; depths that
  /// fill neither words nor vectors.
  ///
  /// A result of bf16 is rounded besides.
  @Test(arguments: Target.multiplyingIntegers)
  func epilogues(_ target: Target) throws {
    for (index, activation) in ([nil] + ActivationFunction.allCases).enumerated() {
      for bits in 0..<8 {
        let depth = [48, 64, 160, 96, 16 * 33, 37, 20, 132][bits]
        var kernel = FusedLinearKernel(
          rows: [1, 4, 15, 30][(index + bits) % 4], columns: 46, depth: depth,
          aStride: depth + 4 - depth % 2, cStride: 46, residualStride: 46,
          epsilon: bits & 1 != 0 ? 1e-6 : nil, activation: activation,
          hasResidual: bits & 2 != 0)
        kernel.hadamardSize = [nil, 16, 4, 2, 16, nil, 4, 2][bits]
        kernel.left = (index + bits) % 2 == 0 ? .f32 : .bf16
        kernel.result = (index + bits / 2) % 2 == 0 ? .f32 : .bf16
        var random = Random(state: UInt64(index * 8 + bits))
        let test = Case(
          // Of one sign too: lanes after the last element, which are 0, are not among them.
          kernel, x: random.floats(kernel.rows * depth, [-1...3, 1...3, -3 ... -1][index % 3]),
          weight: random.floats(46 * depth), bias: random.floats(46), seed: 2)
        let (found, expected) = (try test.run(on: target), test.expected.values)
        let (rounding, doubt) = (kernel.result == .bf16 ? Float(0x1p-7) : 0, test.doubt)
        for (i, (y, y0)) in zip(found, expected).enumerated() {
          let most = 1e-4 + rounding * abs(y0) + doubt[i / 46]
          #expect(abs(y - y0) <= most, "\(target.name) \(kernel): \(y), expected \(y0)")
        }
        // Rows of bf16 have few different elements, so many of them lie between two integers.
        guard kernel.left == .f32 else { continue }
        let distances = zip(found, expected).map { abs($0 - $1) - rounding * abs($1) }
        #expect(distances.allSatisfy { $0 <= 3e-2 }, "\(target.name) \(kernel)")
        let off = distances.count { !($0 <= 1e-4) }
        #expect(off <= found.count / 4, "\(target.name) \(kernel): \(off) of \(found.count)")
      }
    }
  }

  /// What is not finite in a row stays visible in all of its results, and in no others.
  @Test(arguments: Target.multiplyingIntegers)
  func rowsThatAreNotFinite(_ target: Target) throws {
    for size in [nil, 4] {
      for (bad, place) in [(Float.nan, 0), (.nan, 36), (.infinity, 17), (-.infinity, 39)] {
        var kernel = FusedLinearKernel(rows: 3, columns: 33, depth: 40, aStride: 40, cStride: 33)
        kernel.hadamardSize = size
        var random = Random(state: 7)
        var x = random.floats(3 * 40)
        x[40 + place] = bad
        let test = Case(
          kernel, x: x, weight: random.floats(33 * 40), bias: random.floats(33), seed: 4)
        let found = try test.run(on: target)
        for (index, y) in found.enumerated() {
          #expect(y.isFinite == (index / 33 != 1), "\(target.name) \(bad) at \(place)")
        }
        let rows = test.expected.values.enumerated().filter { $0.offset / 33 == 1 }
        #expect(rows.allSatisfy { !$0.element.isFinite }, "the reference: \(bad) at \(place)")
      }
    }
  }

  /// Rows of a weight that are next to nothing, below what a scale can say, leave the bias.
  @Test(arguments: Target.multiplyingIntegers)
  func tinyWeights(_ target: Target) throws {
    let kernel = FusedLinearKernel(rows: 2, columns: 9, depth: 12, aStride: 12, cStride: 9)
    var random = Random(state: 8)
    let weight = random.floats(9 * 12).map { $0 * 0x1p-130 }
    let bias = random.floats(9)
    let test = Case(kernel, x: random.floats(24), weight: weight, bias: bias, seed: 4)
    #expect(try test.run(on: target) == bias + bias)
    #expect(test.expected.values == bias + bias)
  }

  /// A row of equal elements has no steps.
  @Test(arguments: Target.multiplyingIntegers)
  func constantRows(_ target: Target) throws {
    let kernel = FusedLinearKernel(rows: 3, columns: 40, depth: 20, aStride: 20, cStride: 40)
    var random = Random(state: 5)
    let x = Array(repeating: Float(0), count: 20) + Array(repeating: Float(-3), count: 40)
    let test = Case(
      kernel, x: x, weight: random.floats(800), bias: random.floats(40), seed: 3)
    let found = try test.run(on: target)
    let worst = zip(found, test.expected.values).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst <= 1e-4, "\(target.name): \(worst)")
  }

  /// `sdot`'s correction is exact for so many products; longer sums are for other targets.
  @Test func sumsThatAreTooLongForTheirCorrection() throws {
    func lower(_ depth: Int, _ target: Target) throws {
      var builder = GraphBuilder(name: "test", form: .fused)
      let x = try builder.append(.input(Input(type: .f32(1, depth))), name: "x")
      let weight = try builder.append(
        .weight(Weight(tensor: "w", shape: [1, depth / 4, 32, 4], element: .s8)), name: "w")
      let factors = try builder.append(
        .weight(Weight(tensor: "f", shape: [3, 32])), name: "f")
      let y = try builder.append(
        .fusedLinear(FusedLinear(epilogue: IR.Epilogue(hasBias: true), columns: 32)),
        [x, weight, factors], name: "y")
      builder.addOutput("y", y)
      let graph = builder.graph.placed([
        Placement(.image, offsetBytes: 0, rowStride: depth),
        Placement(.weights, offsetBytes: 0, rowStride: 4),
        Placement(.weights, offsetBytes: 32 * depth, rowStride: 32),
        Placement(.output(0), offsetBytes: 0, rowStride: 32),
      ])
      _ = try Step.all(graph, for: target)
    }
    let target = try Target.named("aarch64+dotprod")
    try lower(33_024, target)
    let error = #expect(throws: Diagnostic.self) { try lower(33_028, target) }
    #expect(
      error?.message == "33028 products of 8-bit integers in a sum, 'aarch64-neon+dotprod' has at "
        + "most 33026")
    #expect(error?.location == .node("y") && error?.hint?.contains("--keep y=bf16") == true)
    try lower(33_028, .aarch64)
    try lower(33_028, Target.named("aarch64+i8mm"))
  }
}
