import FileTesting
import Foundation

@testable import IR

/// `Docs/Ops.md`: every operation, from its file in `Sources/IR/Ops` and its `text` case.
enum OperationReference {
  static func text() throws -> String {
    var text = """
      # Operations

      Made from the doc comments in `Sources/IR/Ops` by `make docs`; a test fails when it is stale.
      Constraints are numbered, and diagnostics name them: `[linear C2] weight: expected …`. Every
      value has extents of at least 1 and at most \(TensorType.maximumCount) elements.
      `IR.md` has the grammar.

      | operation | imported | fused | planned | operands | |
      |---|---|---|---|---|---|

      """
    var sections = ""
    for mnemonic in Op.mnemonics {
      let source = try source(of: mnemonic)
      let forms = Form.allCases.map { source.type.forms.contains($0) ? "x" : "" }
      let counts = source.type.operandCounts
      let operands =
        counts.count == 1 ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)"
      let summary = source.comment.prefix { !$0.isEmpty }.joined(separator: " ")
      text +=
        "| [`\(mnemonic)`](#\(mnemonic)) | \(forms.joined(separator: " | ")) | \(operands) "
        + "| \(summary) |\n"
      sections += "\n## \(mnemonic)\n\n\(DocComments.markdown(source.comment))\n"
      sections += source.words
      sections += "\n```\n\(try example(mnemonic))\n```\n"
    }
    return text + sections
  }

  /// The numbered constraints in the doc comment, such as `C1`.
  static func constraints(of mnemonic: String) throws -> [String] {
    try source(of: mnemonic).comment.compactMap { line in
      line.hasPrefix("- C") ? String(line.dropFirst(2).prefix { $0 != ":" }) : nil
    }
  }

  /// What a file says about its operation.
  private struct Source {
    let type: any OpDefinition.Type
    let comment: [String]
    /// The cases of the enumerations beside it, as Markdown.
    let words: String
  }

  private static func source(of mnemonic: String) throws -> Source {
    let mark = "static let mnemonic = \"\(mnemonic)\""
    for (path, lines) in try DocComments.sources("Sources/IR/Ops") {
      guard lines.contains(where: { $0.contains(mark) }),
        let declaration = lines.firstIndex(where: { $0.contains(": OpDefinition {") })
      else { continue }
      guard let type = types[mnemonic] else { throw Failure("\(path): no such operation") }
      return Source(
        type: type, comment: DocComments.above(declaration, in: lines), words: words(lines))
    }
    throw Failure("no file in Sources/IR/Ops has \(mark)")
  }

  /// The struct of each mnemonic, from one sample of each.
  private static let types: [String: any OpDefinition.Type] = {
    var types: [String: any OpDefinition.Type] = [:]
    for (name, text) in samples {
      guard let graph = try? GraphParser.parse(text) else { continue }
      for node in graph.nodes where node.op.mnemonic == name {
        types[name] = type(of: node.op.definition)
      }
    }
    return types
  }()

  /// The first graph of each operation's `text` case.
  private static let samples: [(name: String, text: String)] = Op.mnemonics.compactMap { name in
    let url = FileTest.folder.appending(path: "text/\(name).vir")
    guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
    return (name, text.components(separatedBy: "\n// ---\n")[0])
  }

  /// The lines of the `text` case that use the operation.
  private static func example(_ mnemonic: String) throws -> String {
    guard let sample = samples.first(where: { $0.name == mnemonic }) else {
      throw Failure("text/\(mnemonic).vir is missing")
    }
    return sample.text.components(separatedBy: "\n")
      .filter { $0.contains(" = \(mnemonic)") }.map { String($0.dropFirst(2)) }
      .joined(separator: "\n")
  }

  /// A list of the cases of every enumeration in the file.
  private static func words(_ lines: [String]) -> String {
    var text = ""
    for (index, line) in lines.enumerated() {
      if line.hasPrefix("public enum ") {
        let comment = DocComments.above(index, in: lines).joined(separator: " ")
        text += "\n\(comment)\n\n"
      }
      guard line.hasPrefix("  case "), line.contains("=") || !line.contains(".") else { continue }
      let words = line.split(separator: " ")
      let word = words.count > 3 ? words[3].filter { $0 != "\"" } : String(words[1])
      let comment = DocComments.above(index, in: lines).joined(separator: " ")
      text += "- `\(word)`: \(comment)\n"
    }
    return text
  }
}
