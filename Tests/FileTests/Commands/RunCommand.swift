import Codegen
import Compiler
import Diagnostics
import FileTesting
import Foundation
import VitRuntime

/// `run [--target T]`: compiles the graph to a library, runs it on seeded inputs and weights, and
/// compares with the reference semantics of the graph as it is.
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
    // Tokens are held as numbers too.
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
    var build = Build(seeded.graph, for: [target], name: "filetest", model: "filetest") {
      name throws(Diagnostic) in try seeded.weight(name)
    }
    build.placement = .embedded
    return try build.write(to: path).files[0]
  }
}
