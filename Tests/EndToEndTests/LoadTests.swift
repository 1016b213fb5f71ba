import Foundation
import Testing

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

  /// Two models: one with its weights inside, one with a weights file and another target.
  private func models(in bench: Workbench) throws {
    _ = try bench.compile(Self.digits, name: "inside")
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
    let runs = ProcessInfo.processInfo.environment["VITC_LOAD"] ?? "600"
    let text = try bench.tool([
      "./load", "64", runs, kind, "./libinside.so", "inside", "./libbeside.so", "beside",
    ])
    #expect(text.hasSuffix("wrong 0, grew 0\n"), "\(text)")
    if runs != "600" { print(text) }
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
