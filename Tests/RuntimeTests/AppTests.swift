import Foundation
import Packaging
import Testing

/// Programs around compiled models: what their users do with compiler, header and module map.
@Suite struct AppTests {
  @Test func runAllocatesNothingAndForksAreSafe() throws {
    let folder = try Folder()
    _ = try Fixture.build(in: folder)
    let built = try shell(
      [
        "cc", Fixture.fixtures + "/count.c", "-I.", "-L.", "-ltoy", "-Wl,-rpath,$ORIGIN", "-o",
        "app",
      ], in: folder.path)
    try #require(built.status == 0, "\(built.text)")
    let result = try shell(["./app"], in: folder.path)
    #expect(
      result.text == """
        before 1, during 0
        the context was created before fork(), its threads are not in this process
        child 0

        """)
    #expect(result.status == 0)
  }

  @Test(arguments: [Artifact.Kind.library, .static, .object])
  func twoModelsInOneProgram(kind: Artifact.Kind) throws {
    let folder = try Folder()
    let ending = [.library: "so", .static: "a", .object: "o"][kind] ?? ""
    _ = try Fixture.build("toy", file: "libtoy.\(ending)", kind: kind, in: folder)
    _ = try Fixture.build(
      "second", file: "libsecond.\(ending)", kind: kind, weights: Fixture.weights.map { -$0 },
      in: folder)
    let built = try shell(
      [
        "cc", Fixture.fixtures + "/two.c", "-I.", "libtoy.\(ending)", "libsecond.\(ending)",
        "-Wl,-rpath,$ORIGIN", "-o", "app",
      ], in: folder.path)
    try #require(built.status == 0, "\(built.text)")
    let result = try shell(["./app"], in: folder.path)
    #expect(result.status == 0)
    #expect(result.text == "toy second\n")
  }

  @Test func staticModelWithAWeightsFileFindsItBesideTheProgram() throws {
    let folder = try Folder()
    for name in ["toy", "second"] {
      _ = try Fixture.build(
        name, file: "lib\(name).a", kind: .static, placement: .file,
        weights: Fixture.weights.map { name == "toy" ? $0 : -$0 }, in: folder)
    }
    let built = try shell(
      ["cc", Fixture.fixtures + "/two.c", "-I.", "libtoy.a", "libsecond.a", "-o", "app"],
      in: folder.path)
    try #require(built.status == 0, "\(built.text)")
    // Found by PATH, the program's name has no folder.
    let result = try shell(["PATH=\(folder.path)", "app"], in: "/")
    #expect(result.status == 0)
    #expect(result.text == "toy second\n")
  }

  @Test(arguments: [Artifact.Kind.library, .static])
  func swiftApp(kind: Artifact.Kind) throws {
    let folder = try Folder()
    let file = kind == .library ? "libtoy.so" : "libtoy.a"
    _ = try Fixture.build(file: file, kind: kind, in: folder)
    let built = try shell(
      [
        "swiftc", Fixture.fixtures + "/app.swift", "-I", ".", "-L", ".", "-Xlinker", "-rpath",
        "-Xlinker", "$ORIGIN", "-module-cache-path", "cache", "-o", "app",
      ], in: folder.path)
    try #require(built.status == 0, "\(built.text)")
    let result = try shell(["./app"], in: folder.path)
    #expect(result.status == 0)
    // Images of ones give tokens 30.5 each; logits are (c + 1) times their sums; rounds add up to
    // 4950.
    let classes = (0..<7).map { c in
      (c + 1) * stride(from: c, to: 60, by: 7).reduce(0) { n, _ in n + 1 }
    }
    #expect(result.text == "sum \(Int(30.5 * 4950 * Double(classes.reduce(0, +))))\n")
  }

  @Test func headersPleaseStrictCompilers() throws {
    let folder = try Folder()
    for name in ["toy", "second"] {
      let header = HeaderWriter(
        Fixture.interface(
          name, hash: WeightHash(low: 1, high: 2),
          weightsFileName: name == "toy" ? nil : "a*/b.weights"))
      try Data(header.text.utf8).write(to: URL(fileURLWithPath: folder("\(name).h")))
    }
    let source = "#include \"toy.h\"\n#include \"second.h\"\n#include \"toy.h\"\nint x;\n"
    for name in ["x.c", "x.cpp"] {
      try Data(source.utf8).write(to: URL(fileURLWithPath: folder(name)))
    }
    let strict = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]
    for compiler in [
      ["gcc", "-std=c99", "x.c"], ["clang", "-std=c99", "-Wdocumentation", "x.c"],
      ["g++", "-std=c++11", "x.cpp"], ["clang++", "-std=c++17", "x.cpp"],
    ] {
      let result = try shell(compiler + strict, in: folder.path)
      #expect(result.status == 0, "\(compiler[0]): \(result.text)")
    }
  }

  @Test func headerLayoutsAreThoseOfTheABI() throws {
    let folder = try Folder()
    let header = HeaderWriter(Fixture.interface("toy", hash: WeightHash(low: 1, high: 2)))
    try Data(header.text.utf8).write(to: URL(fileURLWithPath: folder("toy.h")))
    var source = "#include \"toy.h\"\n#include \"vit_abi.h\"\n"
    let fields = [
      "options": ["threads", "parallel_for", "parallel_for_context", "weights_path", "isa"],
      "tensor": ["dtype", "rank", "shape", "elements"],
      "selftest_result": ["error", "limit"],
      "description:info": [
        "abi_version", "output_count", "name", "model", "compiler_version", "target",
        "weights_hash", "input", "outputs", "parameters", "flops", "weights_bytes", "arena_bytes",
        "json", "isas",
      ],
    ]
    for (key, names) in fields {
      let types = key.split(separator: ":")
      let (ours, theirs) = (types[0], types[types.count - 1])
      source += "_Static_assert(sizeof(vit_\(ours)) == sizeof(toy_\(theirs)), \"\");\n"
      for name in names {
        source +=
          "_Static_assert(offsetof(vit_\(ours), \(name)) == "
          + "offsetof(toy_\(theirs), \(name)), \"\");\n"
      }
    }
    for (index, name) in [
      "OK", "INVALID_ARGUMENT", "OUT_OF_MEMORY", "WEIGHTS_UNREADABLE", "WEIGHTS_MISMATCH",
      "NO_THREADS", "UNSUPPORTED_CPU", "SELFTEST_FAILED", "NO_SELFTEST",
    ].enumerated() {
      source += "_Static_assert(VIT_\(name) == TOY_\(name) && VIT_\(name) == \(index), \"\");\n"
    }
    try Data(source.utf8).write(to: URL(fileURLWithPath: folder("x.c")))
    let result = try shell(
      ["clang", "-std=c11", "-fsyntax-only", "-I", Fixture.headers, "x.c"], in: folder.path)
    #expect(result.status == 0, "\(result.text)")
  }
}
