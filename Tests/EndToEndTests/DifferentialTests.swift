import Codegen
import Compiler
import Diagnostics
import Evaluation
import Foundation
import IR
import Models
import Passes
import RandomModels
import SeededRandom
import Testing
import VitRuntime

/// Random legal models: compiled code against the reference semantics of the imported graph.
///
/// `VITC_SEED=n` runs the model of one seed alone, with what it is; `VITC_SEEDS=n` runs the first n
/// instead of a hundred.
@Suite struct DifferentialTests {
  static let seeds: [UInt64] = {
    let environment = ProcessInfo.processInfo.environment
    if let seed = environment["VITC_SEED"].flatMap(UInt64.init) { return [seed] }
    let count = environment["VITC_SEEDS"].flatMap(UInt64.init)
    return Array(0..<(count ?? (Repository.runsSlowTests ? 1000 : 100)))
  }()

  /// The largest error over the root mean square: a few roundings of f32 in each of a few layers,
  /// some of which only a hundred numbers wide.
  static let tolerance = 5e-5

  private static let most = 3

  @Test(arguments: seeds)
  func `compiled models do what their graphs mean`(seed: UInt64) throws {
    let random = RandomModel(seed: seed)
    if Self.seeds.count == 1 { print(random) }
    let bench = try Workbench()
    try random.write(to: bench.folder)
    let outputs = random.outputs.compactMap(ModelOutput.init(rawValue:))
    let model = try Model.load(bench.folder.path, options: ModelOptions(weights: "seed:\(seed)"))
    let imported = try model.graph(outputs: outputs)
    let (images, truth) = try reference(imported, model)

    // Seeds share the targets out, and whether the weights are part of the library.
    let target = Target.runnableHere[Int(seed) % Target.runnableHere.count]
    let path = try bench.compile(bench.folder.path) {
      $0.weights = "seed:\(seed)"
      $0.outputs = outputs
      $0.target = target.name
      $0.weightPlacement = seed % 5 == 0 ? .file : .automatic
    }
    var first: [String: [Float]]?
    for threads in 1...Self.most {
      let context = try VitModel(path: path, options: VitOptions(threads: threads)).makeContext()
      for count in 1...Self.most {
        let part = Array(images.joined().prefix(images[0].count * count))
        let found = try context.runAll(images: part, count: count, outputs: random.outputs)
        for (name, values) in found {
          let wanted = truth.prefix(count).flatMap { $0[name] ?? [] }
          let deviation = Deviation(values, wanted)
          #expect(
            deviation.largest <= Self.tolerance,
            "\(name), \(target.name), \(threads) threads, \(count) images: \(deviation), \(random)"
          )
          // Neither threads nor the company of other images change a bit.
          let each = values.count / count
          if let bits = first?[name] {
            #expect(
              Array(values.prefix(each)) == Array(bits.prefix(each)),
              "\(name) depends on \(threads) threads or \(count) images: \(random)")
          }
        }
        if first == nil { first = found }
      }
    }
    try guarded(imported, model, target, bench, images[0], first ?? [:], random)
    let checkpoint = model.checkpoint
    try checkIntegers(imported, seed, images[0], random) { (name) throws(Diagnostic) in
      try checkpoint.read(name)
    }
  }

  /// The same model with attention in integers, against what the passes made of its graph: a number
  /// near the middle of two may go to either.
  private func checkIntegers(
    _ imported: Graph, _ seed: UInt64, _ image: [Float], _ random: RandomModel,
    _ read: @escaping Evaluator.WeightReader
  ) throws {
    let passes = Pipeline.passes(for: .f32, attention: .int8)
    let planned = try PassManager(passes).run(imported).graph
    guard planned.nodes.contains(where: { isQuantizedAttention($0.op) }) else { return }
    let bench = try Workbench()
    let target = Target.runnableHere[Int(seed / 2) % Target.runnableHere.count]
    let truth = try reference(planned, image, read)
    let program = try GuardedProgram(planned, target: target, in: bench, weights: read)
    for (tasks, fence) in zip([1, 3] as [Int32], [.right, .left] as [Fenced.Side]) {
      for (values, output) in zip(program.run(image, tasks: tasks, fence: fence), planned.outputs) {
        let deviation = Deviation(values, truth[output.name]?.values ?? [])
        #expect(
          deviation.relativeL2 <= 1e-2,
          "\(output.name) in int8, \(target.name), \(tasks) tasks: \(deviation), \(random)"
        )
      }
    }
  }

  private func isQuantizedAttention(_ op: Op) -> Bool {
    if case .attention(let attention) = op { attention.isQuantized } else { false }
  }

  /// What a graph means by one image.
  private func reference(
    _ graph: Graph, _ image: [Float], _ read: @escaping Evaluator.WeightReader
  ) throws -> [String: Tensor] {
    let input = try input(of: graph)
    let shape = Array(input.type.shape.suffix(3))
    return try Evaluator(graph, weights: read)
      .results([input.name: Tensor(shape: shape, values: image)])
  }

  private func input(of graph: Graph) throws -> Node {
    try #require(graph.nodes.first { if case .input = $0.op { true } else { false } })
  }

  /// The same code between forbidden pages: it touches its buffers only, and gives the same bits.
  private func guarded(
    _ imported: Graph, _ model: Model, _ target: Target, _ bench: Workbench, _ image: [Float],
    _ wanted: [String: [Float]], _ random: RandomModel
  ) throws {
    let planned = try PassManager().run(imported).graph
    let checkpoint = model.checkpoint
    let program = try GuardedProgram(planned, target: target, in: bench) {
      (name) throws(Diagnostic) in try checkpoint.read(name)
    }
    for (tasks, fence) in zip([1, 2, 3] as [Int32], [.right, .left, .right] as [Fenced.Side]) {
      let found = program.run(image, tasks: tasks, fence: fence)
      for (values, output) in zip(found, planned.outputs) {
        #expect(values == wanted[output.name], "\(output.name) between guard pages: \(random)")
      }
    }
    let helped = program.run(image, tasks: 2, fence: .right, isHelped: true)
    for (values, output) in zip(helped, planned.outputs) {
      #expect(values == wanted[output.name], "\(output.name) with help: \(random)")
    }
  }

  /// Random images, and what the graph means by each.
  private func reference(
    _ graph: Graph, _ model: Model
  ) throws -> (images: [[Float]], results: [[String: [Float]]]) {
    let configuration = model.configuration
    let shape = [configuration.channels, configuration.imageHeight, configuration.imageWidth]
    let all = SeededCheckpoint.tensor(name: "input", shape: [Self.most] + shape, seed: 1)
    let area = shape.reduce(1, *)
    let images = (0..<Self.most).map { Array(all.values[$0 * area..<($0 + 1) * area]) }
    let checkpoint = model.checkpoint
    let evaluator = Evaluator(graph) { (name) throws(Diagnostic) in try checkpoint.read(name) }
    let name = try input(of: graph).name
    let results = try images.map { image in
      try evaluator.results([name: Tensor(shape: shape, values: image)]).mapValues(\.values)
    }
    return (images, results)
  }

  /// Residual networks, as graphs: their code between forbidden pages against what they mean.
  @Test(arguments: seeds.count == 1 ? seeds : Array(seeds.prefix(seeds.count * 2 / 5)))
  func `residual networks do what their graphs mean`(seed: UInt64) throws {
    let net = SmallResNet(seed: seed)
    if Self.seeds.count == 1 { print(net) }
    let shape = [3, net.size, net.size + 2]
    let image = SeededCheckpoint.tensor(name: "input", shape: [1] + shape, seed: seed).values
    try check(
      net.graph(), seed, ["image": Tensor(shape: shape, values: image)], image, net)
  }

  /// Text towers likewise: causal and not, of lengths for which a tile of queries reads less.
  ///
  /// In bf16 a number that is rounded to the other side changes what all tokens read. Of 82 outputs
  /// the code erred as much as the meaning (relative L2 to f32 0.7 % each, in the middle); the two
  /// were 1.7 % apart at most.
  @Test(arguments: seeds.count == 1 ? seeds : Array(seeds.prefix(seeds.count * 2 / 5)))
  func `text towers do what their graphs mean`(seed: UInt64) throws {
    let text = SmallText(seed: seed, longest: 150, narrowest: 10)
    if Self.seeds.count == 1 { print(text) }
    var random = SplitMix64(seed: seed)
    var ids = (0..<text.length).map { _ in Int.random(in: 0..<text.vocabulary, using: &random) }
    // What may be looked for is there.
    ids[ids.count / 2] = 1
    let tensor = Tensor(shape: [ids.count], values: ids.map(Float.init))
      .rounded(to: .i32)
    // The code reads them as 32-bit integers.
    try check(
      text.graph(), seed, ["ids": tensor], ids.map { Float(bitPattern: UInt32($0)) }, text,
      rounded: { $0.relativeL2 <= 4e-2 })
  }

  /// Holds a graph's code to what it means, in f32 and bf16, and with attention in int8.
  ///
  /// - Parameters:
  ///   - input: what the graph reads, by name.
  ///   - memory: the same, as it lies in memory.
  ///   - isNear: `true` iff results of what was rounded are near enough to what their graph means.
  private func check(
    _ imported: Graph, _ seed: UInt64, _ input: [String: Tensor], _ memory: [Float],
    _ model: some CustomStringConvertible,
    rounded isNear: (Deviation) -> Bool = { $0.largest <= 1e-2 }
  ) throws {
    let bench = try Workbench()
    var shapes: [String: [Int]] = [:]
    for case .weight(let weight) in imported.nodes.map(\.op) {
      shapes[weight.tensor] = weight.shape
    }
    let checkpoint = SeededCheckpoint(seed: seed, shapes: shapes)
    let read: Evaluator.WeightReader = { (name) throws(Diagnostic) in try checkpoint.read(name) }
    let target = Target.runnableHere[Int(seed) % Target.runnableHere.count]
    // Of bf16, and of attention in int8, what the passes made of the graph says where it is
    // rounded; a number near the middle of two may go to either, a few times in a thousand.
    for (precision, attention) in [(Precision.f32, nil), (.bf16, nil), (.f32, Precision.int8)] {
      let passes = Pipeline.passes(for: precision, attention: attention)
      let planned = try PassManager(passes).run(imported).graph
      if attention != nil, !planned.nodes.contains(where: { isQuantizedAttention($0.op) }) {
        continue
      }
      let isExact = precision == .f32 && attention == nil
      let truth = try Evaluator(isExact ? imported : planned, weights: read).results(input)
      let program = try GuardedProgram(planned, target: target, in: bench, weights: read)
      var first: [[Float]]?
      for (tasks, fence) in zip([1, 2, 3] as [Int32], [.right, .left, .right] as [Fenced.Side]) {
        let found = program.run(memory, tasks: tasks, fence: fence)
        let run =
          "VITC_SEED=\(seed): \(precision), attention \(attention ?? precision), "
          + "\(target.name), \(tasks) tasks, \(model)"
        for (values, output) in zip(found, planned.outputs) {
          let deviation = Deviation(values, truth[output.name]?.values ?? [])
          let holds = isExact ? deviation.largest <= Self.tolerance : isNear(deviation)
          #expect(holds, "\(output.name), \(run): \(deviation)")
        }
        #expect(first == nil || found == first, "\(run)")
        first = found
      }
      let helped = program.run(memory, tasks: 2, fence: .right, isHelped: true)
      #expect(helped == first, "VITC_SEED=\(seed): \(precision), \(target.name), help, \(model)")
    }
  }
}
