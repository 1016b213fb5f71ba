import Diagnostics
import Evaluation
import IR
import Passes
import SeededRandom
import Testing

@testable import Calibration

extension ErrorEstimate {
  /// The estimate of a graph whose constants nobody else computes.
  fileprivate init(_ graph: Graph, weights: @escaping Evaluator.WeightReader) throws {
    let running = RunningEstimate(graph)
    let evaluator = Evaluator(graph, weights: weights)
    for layer in running.groups.joined() {
      var tensors: [Tensor] = []
      try evaluator.constants(running.constants(of: layer)) { tensors.append($1) }
      running.observe(layer, tensors)
    }
    self = running.estimate
  }
}

/// Estimates from weights alone, against what integers do to rows of random numbers.
@Suite struct ErrorEstimateTests {
  /// A block's MLP behind a norm, of 48 features and 64 hidden units, and an attention before it.
  private struct Block {
    var weights: [String: Tensor] = [:]
    private let tokens = 64

    init() {
      var random = SplitMix64(seed: 11)
      func normal(_ shape: [Int], _ size: Float) -> Tensor {
        Tensor(
          shape: shape,
          values: (0..<shape.reduce(1, *)).map { _ in
            size
              * (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &random)
              }
          })
      }
      for name in ["q", "k", "v", "proj"] { weights[name] = normal([48, 48], 0.14) }
      weights["fc1"] = normal([64, 48], 0.14)
      weights["b1"] = normal([64], 0.2)
      weights["fc2"] = normal([48, 64], 0.12)
      weights["x"] = normal([tokens, 48], 1)
    }

    /// The block as it is imported.
    private func imported() throws -> Graph {
      var b = GraphBuilder(name: "block", form: .imported)
      func weight(_ name: String) throws -> Value {
        let shape = weights[name]?.shape ?? []
        return try b.append(.weight(Weight(tensor: name, shape: shape)), name: "\(name).weight")
      }
      func linear(_ name: String, _ x: Value, bias: String? = nil) throws -> Value {
        var operands = [x, try weight(name)]
        if let bias { operands.append(try weight(bias)) }
        return try b.append(.linear(Linear()), operands, name: name)
      }
      let norm = Op.layerNorm(LayerNorm(epsilon: 1e-6))
      let x = try b.append(.input(Input(type: .f32(tokens, 48))), name: "x")
      let h = try b.append(norm, [x], name: "norm1")
      let a = try b.append(
        .attention(Attention(heads: 2, scale: 0.2)),
        [try linear("q", h), try linear("k", h), try linear("v", h)], name: "a")
      let y = try b.append(.add(Add()), [x, try linear("proj", a)], name: "y")
      let g = try b.append(norm, [y], name: "norm2")
      let hidden = try b.append(
        .activation(Activation(.gelu)), [try linear("fc1", g, bias: "b1")], name: "act")
      let z = try b.append(.add(Add()), [y, try linear("fc2", hidden)], name: "z")
      b.addOutput("end", try b.append(norm, [z], name: "end"))
      return b.graph
    }

    /// The estimate of the block as it is compiled: its stream rotated, its weights packed.
    func packedEstimate() throws -> ErrorEstimate {
      let graph = try PassManager(Pipeline.passes(for: .int8)).run(imported()).graph
      return try ErrorEstimate(graph, weights: reader)
    }

    /// The block in floats and in integers.
    func graphs() throws -> (floats: Graph, integers: Graph) {
      let passes = Pipeline.passes(for: .int8)
      let last = try #require(passes.firstIndex { $0.name == Pass.useBF16.name })
      let kept = passes[...last].filter {
        ![Pass.rotateResidual.name, Pass.balanceChannels.name, Pass.rotateValues.name]
          .contains($0.name)
      }
      let lowering = [Pass.useInt8.name, Pass.useBF16.name]
      let floats = try PassManager(kept.filter { !lowering.contains($0.name) }).run(imported())
        .graph
      return (floats, try PassManager(kept.filter { lowering.contains($0.name) }).run(floats).graph)
    }

    private var reader: Evaluator.WeightReader {
      let weights = weights
      return { name throws(Diagnostic) in
        guard let tensor = weights[name] else { throw Diagnostic("no '\(name)'") }
        return tensor
      }
    }

    /// The error of each layer in integers, and what it was estimated to be, by name; NaN where
    /// nothing is estimated.
    func errors() throws -> [String: (found: Double, estimated: Double)] {
      let (floats, integers) = try graphs()
      let reader = reader
      let estimate = try ErrorEstimate(integers, weights: reader)
      let x = try #require(weights["x"])
      var truth = Activations(floats, images: [x], weights: reader)
      var errors: [String: (Double, Double)] = [:]
      for value in truth.order {
        let node = floats[value].node
        if case .fusedLinear(let linear) = node.op,
          let twin = integers.value(named: node.name),
          case .fusedLinear(let lowered) = integers[twin].op,
          integers[integers[twin].operands[1]].type.element == .s8
        {
          let layer = estimate.layers.first { $0.name == node.name }
          let exact = try truth.sums(value, linear)[0]
          // The same rows in integers, through the layer's own weight.
          var copy = Activations(integers, images: [x], weights: reader)
          copy.set(integers[twin].operands[0], try truth.tensors(node.operands[0]))
          let found = try copy.sums(twin, lowered)[0]
          let (difference, size) = zip(found.values, exact.values).reduce((0.0, 0.0)) {
            let distance = Double($1.0) - Double($1.1)
            return ($0.0 + distance * distance, $0.1 + Double($1.1) * Double($1.1))
          }
          errors[node.name] = ((difference / size).squareRoot(), layer?.error ?? .nan)
        }
        try truth.compute(value)
      }
      return errors
    }
  }

  @Test func `ordinary layers are estimated to be as they are`() throws {
    let errors = try Block().errors().filter { !$1.estimated.isNaN }
    #expect(Set(errors.keys) == ["y", "z"])
    for (name, error) in errors {
      #expect(error.estimated < 2 * error.found + 0.005 && error.estimated > 0.5 * error.found)
      #expect(error.estimated < ErrorEstimate.unusual, "\(name): \(error)")
    }
  }

  /// What is packed is rotated and balanced besides, so that layers err as much or less.
  @Test func `packed layers are estimated as well`() throws {
    let block = Block()
    let lowered = try block.errors().filter { !$1.estimated.isNaN }
    let packed = try block.packedEstimate().layers
    #expect(Set(packed.map(\.name)) == Set(lowered.keys))
    for layer in packed {
      let other = try #require(lowered[layer.name]).estimated
      #expect(layer.error > 0.3 * other && layer.error < 1.5 * other, "\(layer), \(other)")
    }
  }

  /// A value channel that makes rows coarse, though its column takes all of it back.
  @Test func `a value that is too large stands out`() throws {
    var block = Block()
    for k in 0..<48 {
      block.weights["v"]?.values[5 * 48 + k] *= 300
      block.weights["proj"]?.values[k * 48 + 5] /= 300
    }
    let errors = try block.errors()
    let error = try #require(errors["y"])
    #expect(error.found > 0.2 && error.estimated > ErrorEstimate.unusual, "\(error)")
    #expect(try #require(errors["z"]).estimated < ErrorEstimate.unusual)
  }

  /// A unit in GELU's tail whose column makes much of it.
  @Test func `a tail that is scaled up stands out`() throws {
    var block = Block()
    for k in 0..<48 {
      block.weights["fc1"]?.values[7 * 48 + k] *= 0.1
      block.weights["fc2"]?.values[k * 64 + 7] *= 3e4
    }
    block.weights["b1"]?.values[7] = -3.9
    let error = try #require(try block.errors()["z"])
    #expect(error.found > 0.5 && error.estimated > 0.5, "\(error)")
  }

  /// A feature that a norm's scale, folded into what reads it, makes as much larger as one likes
  /// costs what the doc comment says: its layers need no estimate.
  @Test(arguments: [1, 10, 1e3, 1e6] as [Float])
  func `weights behind a norm cost little whatever they are`(scale: Float) throws {
    var block = Block()
    for row in 0..<64 { block.weights["fc1"]?.values[row * 48 + 9] *= scale }
    let error = try #require(try block.errors()["act"])
    #expect(error.estimated.isNaN)
    // Of rounded weights, sqrt(48 / 12) / 127, and of rows, whose steps are about 4.5 / 255.
    #expect(error.found < 0.016 + 0.01, "\(error)")
  }
}
