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
    let input = try #require(
      graph.nodes.first { if case .input = $0.op { true } else { false } })
    let results = try images.map { image in
      try evaluator.results([input.name: Tensor(shape: shape, values: image)])
        .mapValues(\.values)
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
      bf16: { $0.relativeL2 <= 4e-2 })
  }

  /// Holds a graph's code to what it means, in f32 and bf16.
  ///
  /// - Parameters:
  ///   - input: what the graph reads, by name.
  ///   - memory: the same, as it lies in memory.
  ///   - isNear: `true` iff results in bf16 are near enough to what their graph means.
  private func check(
    _ imported: Graph, _ seed: UInt64, _ input: [String: Tensor], _ memory: [Float],
    _ model: some CustomStringConvertible,
    bf16 isNear: (Deviation) -> Bool = { $0.largest <= 1e-2 }
  ) throws {
    let bench = try Workbench()
    var shapes: [String: [Int]] = [:]
    for case .weight(let weight) in imported.nodes.map(\.op) {
      shapes[weight.tensor] = weight.shape
    }
    let checkpoint = SeededCheckpoint(seed: seed, shapes: shapes)
    let read: Evaluator.WeightReader = { (name) throws(Diagnostic) in try checkpoint.read(name) }
    let target = Target.runnableHere[Int(seed) % Target.runnableHere.count]
    // Of bf16, what the passes made of the graph says where it is rounded; a number near the middle
    // of two may go to either, a few times in a thousand.
    for precision in [Precision.f32, .bf16] {
      let planned = try PassManager(Pipeline.passes(for: precision)).run(imported).graph
      let truth = try Evaluator(precision == .f32 ? imported : planned, weights: read)
        .results(input)
      let program = try GuardedProgram(planned, target: target, in: bench, weights: read)
      var first: [[Float]]?
      for (tasks, fence) in zip([1, 2, 3] as [Int32], [.right, .left, .right] as [Fenced.Side]) {
        let found = program.run(memory, tasks: tasks, fence: fence)
        let run = "VITC_SEED=\(seed): \(precision), \(target.name), \(tasks) tasks, \(model)"
        for (values, output) in zip(found, planned.outputs) {
          let deviation = Deviation(values, truth[output.name]?.values ?? [])
          let holds =
            precision == .f32 ? deviation.largest <= Self.tolerance : isNear(deviation)
          #expect(holds, "\(output.name), \(run): \(deviation)")
        }
        #expect(first == nil || found == first, "\(run)")
        first = found
      }
    }
  }
}
