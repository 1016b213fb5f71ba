import Codegen
import Diagnostics
import Evaluation
import FileTesting
import Foundation
import IR
import Packaging
import Passes
import VitRuntime

@testable import Compiler

/// `run [--target T]`: compiles the graph to a library, runs it on seeded inputs and weights, and
/// compares with the reference semantics of the graph as it stands.
///
/// A difference up to `// tolerance: t` times `max(1, |expected|)` is allowed. One image on one
/// thread and two images on three threads must give the same bits.
struct RunCommand: FileTestCommand {
  static let keywords: Set = ["tolerance"]
  private let target: Target

  init(arguments: [String]) throws {
    switch arguments.first {
    case nil: target = try .named("host")
    case "--target" where arguments.count == 2: target = try .named(arguments[1])
    default: throw Failure("'run' takes '--target NAME' and nothing else")
    }
  }

  func observe(_ section: FileTest.Section) throws -> [String] {
    guard section.expectation.isEmpty else { throw Failure("nothing reads the expectation") }
    guard let line = section.body.first(where: { $0.hasPrefix("// tolerance: ") }),
      let tolerance = Float(line.dropFirst("// tolerance: ".count)), tolerance < 0.1
    else { throw Failure("'// tolerance: t' is missing") }
    guard Target.runnableHere.contains(target) else { return section.body }
    let seeded = SeededRun(try section.graph())
    guard let images = seeded.inputs.values.first, seeded.inputs.count == 1 else {
      throw Failure("a program has one input")
    }
    let expected = try seeded.results()
    let planned = SeededRun(try seeded.planned())

    let folder = FileManager.default.temporaryDirectory.appending(path: "vitc-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let library = try compile(planned, to: folder + "/libfiletest.so")
    let single = try VitModel(path: library, options: VitOptions(threads: 1)).makeContext()
      .runAll(images: images.values)
    let pair = try VitModel(path: library, options: VitOptions(threads: 3)).makeContext()
      .runAll(images: images.values + images.values, count: 2)

    for (name, tensor) in expected {
      guard let found = single[name], EvaluateCommand.agree(found, tensor.values, tolerance) else {
        throw Failure(
          "result '\(name)':\n  found    \(single[name] ?? [])\n  expected \(tensor.values)")
      }
      guard pair[name]?.map(\.bitPattern) == (found + found).map(\.bitPattern) else {
        throw Failure("result '\(name)' depends on the number of threads or images")
      }
    }
    return section.body
  }

  private func compile(_ seeded: SeededRun, to path: String) throws -> String {
    let graph = seeded.graph
    guard let architecture = Architecture(triple: target.triple) else {
      throw Failure("no runtime for '\(target.triple)'")
    }
    let product = try Product(
      output: path, name: "filetest", kind: .library, architecture: architecture,
      placement: .embedded, weightsBytes: graph.weightsBytes)
    try WeightPacker(graph) { name throws(Diagnostic) in try seeded.weight(name) }
      .pack(into: product) { _ in }
    let hash = product.sealWeights()
    let program = ProgramInfo(
      name: "filetest", model: "filetest", compilerVersion: "0", weightsBytes: graph.weightsBytes,
      weightsHashLow: hash.low, weightsHashHigh: hash.high, arenaBytes: graph.arenaBytes)
    let code = try CodeGenerator.generate(graph, for: [target], program: program)
    let files = try product.finish(
      objects: code.modules,
      interface: ModelInterface(
        name: "filetest", model: "filetest", compilerVersion: "0", target: Target.summary([target]),
        weightsHash: hash, weightsBytes: graph.weightsBytes,
        image: seeded.inputs.values.first?.shape ?? [],
        outputs: graph.outputs.map { output in
          ModelInterface.Tensor(name: output.name, shape: graph[output.value].type.shape)
        }, parameters: 0, flops: 0, arenaBytes: graph.arenaBytes))
    return files[0]
  }
}
