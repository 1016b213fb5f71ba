import Foundation
import JSON
import Npy
import Synchronization
import Testing

@testable import vitc

/// What commands print for programs: JSON, JUnit's XML, lines of progress.
@Suite struct ReportTests {
  private struct Golden {
    let folder: Folder
    let library: String
    let other: String
  }

  private func golden() throws -> Golden {
    let folder = try Folder()
    let library = try Toy.build(in: folder)
    let other = try Toy.build(in: folder, name: "libother.so", defines: ["BIAS=0.5f"])
    try NpyArray(shape: [2, 3, 2, 2], values: [Float](repeating: 3, count: 24))
      .write(to: folder("x.npy"))
    return Golden(folder: folder, library: library, other: other)
  }

  @Test func goldens() throws {
    let (folder, library, other) = try { ($0.folder, $0.library, $0.other) }(golden())
    let recorded = try vitc(
      "golden", "record", library, "--input", folder("x.npy"), "-o", folder("g.npz"), "--json")
    #expect(recorded.code == 0, "\(recorded.errors)")
    #expect(
      try recorded.json()["outputs"]
        == .array([
          .object([
            "name": .string("logits"), "shape": .array([.integer(2), .integer(3)]),
          ]),
          .object([
            "name": .string("features"), "shape": .array([.integer(2), .integer(2)]),
          ]),
        ]))
    let right = try vitc(
      "golden", "check", library, folder("g.npz"), "--json", "--junit", folder("a.xml"))
    #expect(right.code == 0, "\(right.errors)")
    #expect(try right.json()["passed"] == .bool(true))
    let wrong = try vitc(
      "golden", "check", other, folder("g.npz"), "--json", "--junit", folder("b.xml"))
    #expect(wrong.code == 1)
    let json = try wrong.json()
    #expect(json["passed"] == .bool(false) && json["images"] == .integer(2))
    #expect(
      json["outputs"]?.array?.map { $0["passed"] } == [.bool(false), .bool(true)], "\(json)")
    // As an XML parser reads it.
    let python = """
      import sys, xml.etree.ElementTree as tree
      for path in sys.argv[1:]:
          root = tree.parse(path).getroot()
          suite = root.find("testsuite")
          name = suite.get("name").split("/")[-1]
          print(root.tag, suite.get("tests"), suite.get("failures"), name,
                [(c.get("name"), [f.get("type") for f in c]) for c in suite])
      """
    let parsed = try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["python3", "-c", python, folder("a.xml"), folder("b.xml")])
    #expect(
      parsed.output == """
        testsuites 2 0 libtoy.so [('logits', []), ('features', [])]
        testsuites 2 1 libother.so [('logits', ['differs']), ('features', [])]

        """, "\(parsed.errors)")
    #expect(
      try vitc("golden", "check", library, folder("g.npz"), "--junit", folder("g.npz")).code == 1)
  }

  @Test func textInXML() {
    #expect(
      JUnitReport.escaped("a<b>&\"c'\u{1}\n\u{FFFF}")
        == "a&lt;b&gt;&amp;&quot;c&apos;\\u{1}\\n\\u{FFFF}")
  }

  @Test func proofs() throws {
    let (folder, library, _) = try { ($0.folder, $0.library, $0.other) }(golden())
    let digits =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path + "/examples/digits/model"
    let compiled = try vitc(
      "compile", digits, "-o", folder("libdigits.so"), "--json")
    #expect(compiled.code == 0 && compiled.errors.isEmpty, "\(compiled.errors)")
    let summary = try compiled.json()
    #expect(summary["files"]?.array?.count == 4 && summary["name"]?.string == "digits")
    let verified = try vitc("verify", folder("libdigits.so"), "--json").json()
    #expect(verified["intact"] == .bool(true))
    #expect(verified["hash"] == summary["weights_hash"])
    #expect(verified["bytes"] == summary["weights_bytes"])
    let tested = try vitc("selftest", folder("libdigits.so"), "--json").json()
    #expect(tested["passed"] == .bool(true))
    let isas = try vitc("inspect", folder("libdigits.so"), "--json").json()["isas"]?.array
    #expect(tested["tests"]?.array?.compactMap { $0["isa"] } == isas)
    #expect(
      tested["tests"]?.array?.allSatisfy {
        ["passed", "unsupported"].contains($0["result"]?.string)
      } == true)
    let ran = try vitc(
      "run", library, "--input", folder("x.npy"), "-o", folder("y.npy"), "--json")
    #expect(ran.code == 0, "\(ran.errors)")
    #expect(
      try ran.json()
        == .array([
          .object([
            "name": .string("logits"), "shape": .array([.integer(2), .integer(3)]),
            "file": .string(folder("y.npy")),
          ])
        ]))
    let embedded = try vitc(
      "embed", folder("libdigits.so"), "\(digits)/../images", "-o", folder("f.npy"), "--json")
    #expect(embedded.code == 0, "\(embedded.errors)")
    let photos = try FileManager.default.contentsOfDirectory(atPath: "\(digits)/../images")
      .count { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }
    #expect(try embedded.json()["rows"] == .integer(photos))
    #expect(
      try embedded.json()["files"]?.array?.first?["outputs"]?.array?.first?["shape"]
        == .array([.integer(photos), .integer(10)]))
    #expect(try vitc("embed", folder("libdigits.so"), "x", "--jsonl", "--json").code == 64)
    let graph = try vitc(
      "compile", digits, "--emit", "ir", "--form", "imported", "-o", folder("g.vir"))
    #expect(graph.code == 0, "\(graph.errors)")
    let passes = try vitc(
      "opt", folder("g.vir"), "--passes", "fold-layer-scale,fold-norm", "-o", folder("h.vir"),
      "--json")
    #expect(passes.code == 0, "\(passes.errors)")
    #expect(
      try passes.json().array?.compactMap { $0["name"]?.string }
        == ["fold-layer-scale", "fold-norm"])
    #expect(try vitc("opt", folder("g.vir"), "--json").code == 64)
  }

  /// Where stderr is no terminal, a line every so often, each ended; none after the end.
  @Test func progressWithoutATerminal() throws {
    let lines = Mutex<[String]>([])
    let line = ProgressLine("work", .written, every: .milliseconds(300)) { text in
      lines.withLock { $0.append(text) }
    }
    line.update(fraction: 0.25)
    usleep(1_500_000)
    line.finish()
    let found = lines.withLock { $0 }
    usleep(500_000)
    #expect(lines.withLock { $0 } == found)
    #expect((2...5).contains(found.count), "\(found)")
    #expect(found.allSatisfy { $0.hasPrefix("work  25 %  ") && $0.hasSuffix(" s\n") }, "\(found)")
    let quiet = Mutex<[String]>([])
    let none = ProgressLine("work", .none, every: .milliseconds(1)) { text in
      quiet.withLock { $0.append(text) }
    }
    usleep(300_000)
    none.finish()
    #expect(quiet.withLock { $0 }.isEmpty)
  }
}
