import FileTesting
import Foundation
import IR
import JSON
import Models
import Passes

extension Passage {
  /// Every passage that is held to the truth.
  static let all =
    counts + [
      importRules, elementTypes, compilation, classification, importedGraph, fittedHead,
      fittedAnswer, wordsAnswers,
    ]

  private static let counts = [
    count("README.md", "- **Models**: ", " names of timm") { Variants.all.count },
    count("README.md", "the papers: all ", " rows of the ViT paper's table 6") {
      Variants.all.reduce(0) { $0 + $1.studyEpochs.count }
    },
    count("README.md", "After all ", " passes (`vitc list passes`") { Pipeline.standard.count },
    count("README.md", "at most 1.8e-6 for the ", " full-size ViTs of `make test`") {
      try testedViTs()
    },
  ]

  /// How many goldens of full-size models without convolutions `make test` compares with.
  private static func testedViTs() throws -> Int {
    let url = DocComments.root.appending(path: "Tests/Goldens/vit/index.json")
    let index = try JSONReader.read(Array(try Data(contentsOf: url)))
    return try (index["goldens"]?.array ?? []).filter { golden in
      guard golden["suite"] == .string("fast"), let name = golden["variant"]?.string else {
        return false
      }
      let graph = try ModelTextTests.graph(Variants.named(name))
      return !graph.nodes.contains { $0.op.mnemonic == "conv2d" }
    }.count
  }

  private static let elementTypes = Passage(
    document: "Docs/IR.md", before: " element: ", after: "\n",
    expected: { _ in ElementType.allCases.map(\.rawValue).joined(separator: " ") })

  /// The rows of `imports` in Package.swift that are about Sources, as a table.
  private static let importRules = Passage(
    document: "ARCHITECTURE.md", before: "<!-- from Package.swift, by make docs -->\n",
    after: "<!-- end -->\n",
    expected: { _ in
      let url = DocComments.root.appending(path: "Package.swift")
      let manifest = try String(contentsOf: url, encoding: .utf8)
        .replacing("\\\n", with: " ")
      var rows = ["| module | may import |", "|---|---|"]
      for line in manifest.split(separator: "\n") where line.hasPrefix("  Sources/") {
        let words = line.split(separator: " ")
        let folder = words[0].dropFirst("Sources/".count).dropLast()
        let imports = words.dropFirst().map { "`\($0)`" }.joined(separator: ", ")
        rows.append("| `\(folder)` | \(imports.isEmpty ? "nothing" : imports) |")
      }
      guard rows.count > 10 else { throw Failure("Package.swift has no lines of imports") }
      return rows.joined(separator: "\n") + "\n"
    })

  /// The folder of examples, where a command may write beside it.
  private static func inExamples<R>(_ body: (_ folder: String) throws -> R) throws -> R {
    try Program.inFolder { folder in
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/examples",
        withDestinationPath: Program.root.appending(path: "examples").path)
      try FileManager.default.createDirectory(
        atPath: folder + "/out", withIntermediateDirectories: false)
      return try body(folder)
    }
  }

  /// Runs `vitc` and returns what it prints, on stdout or else on stderr.
  private static func printed(_ command: String, in folder: String) throws -> String {
    let found = try Program.run(command.split(separator: " ").map(String.init), in: folder)
    guard found.status == 0 else { throw Failure("vitc \(command): \(found.errors)") }
    return found.output.isEmpty ? found.errors : found.output
  }

  private static let digits = "compile examples/digits/model -o out/libdigits.so"

  /// What `vitc compile` says, but for the times; the code's size depends on LLVM's version, the
  /// targets on the machine's architecture.
  private static let compilation = Passage(
    document: "README.md", before: "vitc \(digits)\n", after: "\n\n== vitc run",
    expected: { _ in
      let lines = try inExamples { try printed(digits, in: $0) }.split(separator: "\n")
      return lines.filter { !$0.hasPrefix("time ") }.joined(separator: "\n")
    },
    normalized: {
      $0.replacing(/for .*, code [0-9.]+ kB/, with: "for TARGETS, code SIZE")
    })

  /// Some of the photos' lines; probabilities may differ in the last digit.
  private static let classification = Passage(
    document: "README.md", before: "== vitc run\n", after: "\n...",
    expected: { found in
      let lines = try inExamples { folder in
        _ = try printed(digits, in: folder)
        return try printed("run out/libdigits.so examples/digits/images --top 1", in: folder)
      }.split(separator: "\n")
      let shown = found.split(separator: "\n").map { $0.prefix { $0 != " " } }
      return lines.filter { shown.contains($0.prefix { $0 != " " }) }.joined(separator: "\n")
    },
    normalized: { $0.replacing(/[0-9]( %)/) { _ in "_ %" } })

  private static let holes =
    "compile examples/digits/model --fit-head examples/holes/train --fit-test examples/holes/test "
    + "-o out/libholes.so"

  /// What is said of a head that is fitted to a folder; digits may differ in the last place.
  private static let fittedHead = Passage(
    document: "README.md", before: "$ vitc \(holes)\n", after: "\n...\n$ vitc run",
    expected: { _ in
      let lines = try inExamples { try printed(holes, in: $0) }.split(separator: "\n")
      return lines.drop { !$0.hasPrefix("classes ") }.prefix { !$0.hasPrefix("look at") }
        .joined(separator: "\n")
    },
    normalized: { $0.replacing(/[0-9]\b/, with: "_") })

  /// The first of its answers.
  private static let fittedAnswer = Passage(
    document: "README.md",
    before: "$ vitc run out/libholes.so examples/holes/test/two --top 1\n", after: "\n...",
    expected: { _ in
      let lines = try inExamples { folder in
        _ = try printed(holes, in: folder)
        return try printed("run out/libholes.so examples/holes/test/two --top 1", in: folder)
      }
      return String(lines.split(separator: "\n")[0])
    },
    normalized: { $0.replacing(/[0-9]( %)/) { _ in "_ %" } })

  private static let words =
    "compile examples/words/model --classes examples/words/digits.txt -o out/libwords.so"

  /// The first answers of a classifier from words.
  private static let wordsAnswers = Passage(
    document: "README.md",
    before: "$ vitc \(words)\n$ vitc run out/libwords.so examples/digits/images --top 1\n",
    after: "\n...",
    expected: { _ in
      let lines = try inExamples { folder in
        _ = try printed(words, in: folder)
        return try printed("run out/libwords.so examples/digits/images --top 1", in: folder)
      }
      return lines.split(separator: "\n").prefix(2).joined(separator: "\n")
    },
    normalized: { $0.replacing(/[0-9]( %)/) { _ in "_ %" } })

  /// Lines of a graph, without the operands after the second.
  private static let importedGraph = Passage(
    document: "README.md",
    before: """
      $ vitc compile ViT-B/16 --weights seed:1 --emit ir --form imported \
      | grep 'blocks.3.mlp.* = [al]'

      """, after: "\n```",
    expected: { _ in
      let text = try Program.inFolder { folder in
        try printed("compile ViT-B/16 --weights seed:1 --emit ir --form imported", in: folder)
      }
      return text.split(separator: "\n").filter { $0.contains(/blocks.3.mlp.* = [al]/) }
        .map { $0.replacing(/(%\S+, %\S+), .*/) { "\($0.output.1), …" } }.joined(separator: "\n")
    })
}
