import Glibc
import Testing
@testable import IR

@testable import Codegen
@testable import IR

/// The stated errors of the elementary functions, measured over dense sweeps.
@Suite struct MathematicsTests {
  /// Evaluates a function of vectors on `values`.
  private func evaluate(
    _ values: [Float], on target: Target, _ body: (Builder, Codegen.Value) -> Codegen.Value
  ) throws -> [Float] {
    let lanes = target.lanes
    let function = try NativeFunction(target: target) { b in
      _ = b.define(
        "run", Array(repeating: b.pointer, count: 8) + [b.i64, b.i64], exported: true
      ) { arguments in
        b.forLoop(from: b.constant(0), to: arguments[9], step: lanes) { index, _ in
          let x = b.load(b.floats(lanes), b.element(arguments[0], index))
          b.store(body(b, x), b.element(arguments[1], index))
          return []
        }
      }
    }
    let x = Floats(values)
    let y = Floats(count: values.count)
    function([x.pointer, y.pointer], count: values.count)
    return y.values
  }

  private func sweep(_ range: ClosedRange<Float>, count: Int = 1 << 16) -> [Float] {
    (0..<count).map {
      range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / Float(count - 1)
    }
  }

  /// The largest error over a sweep, by a measure of argument, result and truth.
  private func worst(
    _ x: [Float], _ y: [Float], _ truth: (Double) -> Double,
    _ measure: (_ x: Double, _ error: Double, _ truth: Double) -> Double
  ) -> Double {
    var worst = 0.0
    for (x, y) in zip(x, y) {
      let expected = truth(Double(x))
      let error = measure(Double(x), abs(Double(y) - expected), expected)
      worst = error.isNaN ? .infinity : max(worst, error)
    }
    return worst
  }

  @Test(arguments: Target.runnableHere)
  func powersOfTwo(_ target: Target) throws {
    let x = sweep(-126...127)
    let y = try evaluate(x, on: target) { $0.exp2($1) }
    #expect(worst(x, y, { Glibc.exp2($0) }, { $1 / $2 }) <= 2e-7)
    // Beyond the range the nearest power in it, never infinity or a wrapped exponent.
    let low = try evaluate(Array(repeating: -1000, count: 16), on: target) { $0.exp2($1) }
    let high = try evaluate(Array(repeating: .infinity, count: 16), on: target) { $0.exp2($1) }
    #expect(low.allSatisfy { $0 > 0 && $0 < 1.2e-38 })
    #expect(high.allSatisfy { $0 > 1.7e38 && $0.isFinite })
  }

  @Test(arguments: Target.runnableHere)
  func exponential(_ target: Target) throws {
    let x = sweep(-80...80)
    let y = try evaluate(x, on: target) { $0.exp($1) }
    #expect(worst(x, y, { Glibc.exp($0) }, { $1 / $2 / (1 + abs($0) / 2) }) <= 2e-7)
  }

  @Test(arguments: Target.runnableHere)
  func bounded(_ target: Target) throws {
    let x = sweep(-100...100) + sweep(-5...5)
    let tanh = try evaluate(x, on: target) { $0.tanh($1) }
    #expect(worst(x, tanh, { Glibc.tanh($0) }, { $1 + 0 * $0 * $2 }) <= 5e-7)
    let sigmoid = try evaluate(x, on: target) { $0.sigmoid($1) }
    #expect(worst(x, sigmoid, { 1 / (1 + Glibc.exp(-$0)) }, { $1 + 0 * $0 * $2 }) <= 3e-7)
  }

  @Test(arguments: Target.runnableHere)
  func activations(_ target: Target) throws {
    let near = sweep(-8...8)
    let far = sweep(-1000...1000)
    for function in ActivationFunction.allCases {
      let y = try evaluate(near + far, on: target) { $0.activate(function, $1) }
      // What the doc comment of `activate` states; far out, the rounding of the result itself.
      let bound = function == .gelu ? 1e-6 : 4e-7
      let error = worst(near + far, y, { function($0) }) { x, error, truth in
        let size = function == .gelu ? max(1, 0.1 * abs(truth)) : max(1, abs(x))
        return error / size
      }
      #expect(error <= bound, "\(function) on \(target.name)")
    }
  }

  /// For results of bf16: of gates the error is relative to the value, half of that of the rounding
  /// at most, wherever the value is one of floats; also where a weight behind it makes much of it.
  @Test(arguments: Target.runnableHere)
  func activationsForBF16(_ target: Target) throws {
    let x = sweep(-13...12) + sweep(-0.07...0.07) + sweep(-1000...1000)
    for function in ActivationFunction.allCases where function != .tanh {
      let y = try evaluate(x, on: target) { BF16Format().activate($0, function, $1) }
      let truth: (Double) -> Double =
        function == .gelu
        ? { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }
        : function == .geluTanh
          ? { x in
            let inner = (8 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
            return x / (1 + Glibc.exp(-inner))
          } : { function($0) }
      let error = worst(x, y, truth) { x, error, truth in
        abs(truth) >= abs(x) * 0x1p-125 ? error / max(abs(truth), 0x1p-126) : 0
      }
      #expect(error <= 0x1p-10, "\(function) on \(target.name): \(error)")
      // Below there are no floats for the gate.
      for (x, y) in zip(x, y) where abs(truth(Double(x))) < abs(Double(x)) * 0x1p-125 {
        #expect(abs(Double(y)) <= abs(Double(x)) * 0x1p-124, "\(function) on \(target.name): \(x)")
      }
    }
    // Where most arguments are, the error is less than a quarter of the rounding's.
    let near = sweep(-3.5...3.5)
    let y = try evaluate(near, on: target) { BF16Format().activate($0, .gelu, $1) }
    let error = worst(near, y, { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }) {
      $1 / max(abs($2), 1e-30) + 0 * $0
    }
    #expect(error <= 4.5e-4, "\(target.name): \(error)")
    let tanh = try evaluate(x, on: target) { BF16Format().activate($0, .tanh, $1) }
    #expect(worst(x, tanh, { Glibc.tanh($0) }, { $1 + 0 * $0 * $2 }) <= 5e-7)
  }

  @Test(arguments: Target.runnableHere)
  func whatIsNotANumberStaysSo(_ target: Target) throws {
    for function in ActivationFunction.allCases {
      for type in [ElementType.f32, .bf16] {
        let y = try evaluate(Array(repeating: .nan, count: 16), on: target) {
          type.storedFormat.activate($0, function, $1)
        }
        #expect(y.allSatisfy { $0.isNaN }, "\(function) for \(type) on \(target.name)")
      }
    }
  }

  @Test(arguments: Target.runnableHere)
  func powersOfTwoForBF16(_ target: Target) throws {
    let x = sweep(-126...127) + sweep(-1...1)
    let y = try evaluate(x, on: target) { BF16Format().exp2InRange($0, $1) }
    #expect(worst(x, y, { Glibc.exp2($0) }, { $1 / $2 + 0 * $0 }) <= 8e-5)
    for (x, isRight) in [
      (-1000 as Float, { $0 >= 0 && $0 < 1.2e-38 }), (1000, { $0 > 1.7e38 }), (.nan, { $0.isNaN }),
    ] as [(Float, (Float) -> Bool)] {
      let y = try evaluate(Array(repeating: x, count: 16), on: target) {
        BF16Format().exp2InRange($0, $1)
      }
      #expect(y.allSatisfy(isRight), "\(x) on \(target.name): \(y[0])")
    }
  }
}
