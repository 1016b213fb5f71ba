import Dispatch
import Foundation
import Models
import Npy
import Passes
import Synchronization
import Testing
import VitRuntime

/// Compiled models in rough company: threads, forks, a system that refuses, files that go away.
///
/// `VITC_LOAD=runs` makes it long: `make test-load`.
@Suite(.serialized) struct LoadTests {
  private static let digits = Repository.path("examples/digits/model")
  private static let headers = Repository.path("Sources/Runtime/CVitABI/include")

  /// Compiles a C program of Fixtures; what it exports, libraries that it loads use.
  private func program(_ name: String, in bench: Workbench) throws {
    try bench.tool([
      "cc", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-rdynamic",
      Repository.path("Tests/EndToEndTests/Fixtures/\(name).c"), "-I", Self.headers, "-o", name,
    ])
  }

  /// What looks inside a model, beside its logits: three layers, maps, of both element types.
  private static let insights = try? ModelOutput.list(
    "logits,layers:0+1+2,layers:1:norm:nchw:f16,attention:class:all,attention:1,rollout:f16,"
      + "distance")

  /// Two libraries: one with its weights inside and many outputs, one with a weights file and
  /// another target.
  private func models(in bench: Workbench) throws {
    let insights = try #require(Self.insights)
    _ = try bench.compile(Self.digits, name: "inside") { $0.outputs = insights }
    _ = try bench.compile(Self.digits, name: "beside") {
      $0.weightPlacement = .file
      $0.target = "x86-64-v2"
    }
  }

  @Test(arguments: ["threads", "pool"])
  func `64 threads make, run and end contexts and models`(kind: String) throws {
    let bench = try Workbench()
    try program("load", in: bench)
    try models(in: bench)
    _ = try bench.compile(Self.digits, name: "halves") { $0.precision = .bf16 }
    _ = try bench.compile(Self.digits, name: "bytes") { $0.precision = .int8 }
    let runs = ProcessInfo.processInfo.environment["VITC_LOAD"] ?? "600"
    let text = try bench.tool([
      "./load", "64", runs, kind, "./libinside.so", "inside", "./libbeside.so", "beside",
      "./libhalves.so", "halves", "./libbytes.so", "bytes",
    ])
    #expect(text.hasSuffix("wrong 0, grew 0\n"), "\(text)")
    if runs != "600" { print(text) }
  }

  /// Inputs of a library, and what PyTorch makes of them in float64.
  private struct Case {
    var model: VitModel
    var images: [Float]
    var count: Int
    var truth: [Float]
    /// The largest relative L2 error.
    var limit: Double
  }

  /// The digit classifier in each precision, and a ResNet of another library's goldens.
  private func cases(in bench: Workbench) throws -> [Case] {
    let pixels = try NpyArray(path: Repository.path("examples/digits/test-images.npy"))
    let logits = try NpyArray(path: Repository.path("examples/digits/test-logits.npy"))
    let (count, area) = (6, pixels.shape[1] * pixels.shape[2])
    let images = (0..<count).flatMap { index in
      let grey = pixels.values[index * area..<(index + 1) * area].map { ($0 / 255 - 0.5) / 0.5 }
      return grey + grey + grey
    }
    var cases = try Precision.allCases.map { precision in
      Case(
        model: try bench.model(Self.digits, name: "digits_\(precision.rawValue)") {
          $0.precision = precision
        }, images: images, count: count, truth: Array(logits.values.prefix(count * 10)),
        limit: precision == .f32 ? 1e-5 : 0.05)
    }
    let insights = try #require(Self.insights)
    cases.append(
      Case(
        model: try bench.model(Self.digits, name: "digits_inside") { $0.outputs = insights },
        images: images, count: count, truth: Array(logits.values.prefix(count * 10)), limit: 1e-5))
    let folder = try #require(FolderGoldenTests.folders.first { $0.name == "bit" })
    let golden = try #require(folder.goldens.first { $0.image == folder.image })
    let base = "Tests/Goldens/\(try #require(folder.library))/\(folder.name)"
    let input = try NpyArray(path: Repository.path("\(base)/golden/\(folder.image)-input.npy"))
    cases.append(
      Case(
        model: try bench.model(Repository.path(base), name: "resnet") {
          $0.outputs = [golden.output].compactMap { ModelOutput(rawValue: $0) }
        }, images: input.values, count: input.shape[0],
        truth: try NpyArray(path: Repository.path("\(base)/\(golden.file)")).values, limit: 2e-5))
    return cases
  }

  @Test func `precisions of one model and a second one run beside each other`() throws {
    let bench = try Workbench()
    let cases = try cases(in: bench)
    #expect(cases.count == Precision.allCases.count + 2)
    let alone = try cases.map { item in
      let found = try item.model.makeContext().run(images: item.images, count: item.count)
      let deviation = Deviation(found, item.truth)
      #expect(deviation.relativeL2 <= item.limit, "\(item.model.description.name): \(deviation)")
      return found
    }
    // Each thread goes round all of them, so that any two meet.
    let faults = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      do {
        let contexts = try cases.map { try $0.model.makeContext() }
        for turn in 0..<24 {
          let at = (thread + turn) % cases.count
          let item = cases[at]
          let found = try contexts[at].run(images: item.images, count: item.count)
          if found != alone[at] {
            faults.withLock { $0.append("\(item.model.description.name) in thread \(thread)") }
          }
        }
      } catch {
        faults.withLock { $0.append("\(error)") }
      }
    }
    #expect(faults.withLock(\.self) == [])
  }

  @Test(arguments: ["inside", "beside"], [1, 3])
  func `whatever the system refuses, there is a text and nothing is left`(
    name: String, threads: Int
  ) throws {
    let bench = try Workbench()
    try program("faults", in: bench)
    try models(in: bench)
    let text = try bench.tool(["./faults", "./lib\(name).so", name, "\(threads)"])
    #expect(text.contains("refused "), "\(text)")
    for call in ["malloc", "mmap"] + (threads > 1 ? ["pthread_create"] : []) {
      #expect(text.contains(call), "\(text)")
    }
    if name == "beside" {
      for call in ["open", "pread", "lseek"] { #expect(text.contains(call), "\(text)") }
    }
  }

  @Test func `a weights file may be removed and replaced, and must not be cut short`() throws {
    let bench = try Workbench()
    try program("vanish", in: bench)
    try models(in: bench)
    let text = try bench.tool([
      "./vanish", "./libbeside.so", "beside", bench.path("beside.weights"),
    ])
    #expect(
      text == """
        removed: same
        replaced: same
        cut: SIGBUS
        then: truncated

        """)
  }
}
