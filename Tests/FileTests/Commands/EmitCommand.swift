import Codegen
import Compiler
import Diagnostics
import FileTesting

/// `emit llvm|asm [--target T]`: generates code, from the graph brought to the planned form.
///
/// - `// check: text` – a later line contains the text.
/// - `// check-next: text` – the next line does.
/// - `// check-not: text` – no line up to the next match, or to the end, does.
///
/// `{{…}}` within a text is a regular expression; blanks of any number count as one.
struct EmitCommand: FileTestCommand {
  private let artifact: CodeGenerator.Artifact
  private let target: Target

  init(arguments: [String]) throws {
    switch arguments.first {
    case "llvm": artifact = .llvm
    case "asm": artifact = .assembly
    default: throw Failure("'emit' takes 'llvm' or 'asm'")
    }
    switch arguments.dropFirst().first {
    case nil: target = try .named("host")
    case "--target" where arguments.count == 3: target = try .named(arguments[2])
    default: throw Failure("'emit' takes '--target NAME' and nothing else")
    }
  }

  func observe(_ section: FileTest.Section) throws -> [String] {
    let seeded = SeededRun(try SeededRun(section.graph()).planned())
    let build = Build(seeded.graph, for: [target], name: "filetest", model: "filetest") {
      name throws(Diagnostic) in try seeded.weight(name)
    }
    let code = try build.code(as: artifact)
    try Self.check(
      section.expectation, String(decoding: code.modules[0], as: UTF8.self))
    return section.expecting(section.expectation)
  }

  /// Throws at the first directive that does not hold, or where there is none.
  static func check(_ directives: [String], _ text: String) throws {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(squeezed)
    guard !directives.isEmpty else { throw Failure("there is no '// check: …'") }
    var position = 0
    var forbidden: [(String, Regex<AnyRegexOutput>)] = []
    func requireNone(in range: Range<Int>) throws {
      for (directive, pattern) in forbidden {
        if let found = range.first(where: { lines[$0].contains(pattern) }) {
          throw Failure("'\(directive)' does not hold: \(lines[found])")
        }
      }
      forbidden = []
    }
    for directive in directives {
      let parts = directive.split(separator: ": ", maxSplits: 1)
      guard parts.count == 2 else { throw Failure("unknown directive '\(directive)'") }
      let pattern = try Self.pattern(squeezed(parts[1]))
      switch parts[0] {
      case "// check":
        guard let found = lines[position...].firstIndex(where: { $0.contains(pattern) }) else {
          throw Failure("'\(directive)' does not hold in:\n\(text)")
        }
        try requireNone(in: position..<found)
        position = found + 1
      case "// check-next":
        guard position < lines.count, lines[position].contains(pattern) else {
          throw Failure("'\(directive)' does not hold: \(lines.dropFirst(position).first ?? "")")
        }
        try requireNone(in: position..<position)
        position += 1
      case "// check-not": forbidden.append((directive, pattern))
      default: throw Failure("unknown directive '\(directive)'")
      }
    }
    try requireNone(in: position..<lines.count)
  }

  private static func squeezed(_ line: some StringProtocol) -> String {
    line.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
  }

  /// The text with what is not in double braces taken literally.
  private static func pattern(_ text: String) throws -> Regex<AnyRegexOutput> {
    var pattern = ""
    for (index, piece) in text.split(separator: "{{", omittingEmptySubsequences: false).enumerated()
    {
      let ends = piece.split(separator: "}}", maxSplits: 1, omittingEmptySubsequences: false)
      if index > 0, ends.count == 2 { pattern += "(?:\(ends[0]))" }
      let literal = index == 0 ? piece : ends.count == 2 ? ends[1] : "{{" + piece
      for character in literal {
        pattern += character.isLetter || character.isNumber ? "\(character)" : "\\\(character)"
      }
    }
    return try Regex(pattern)
  }
}
