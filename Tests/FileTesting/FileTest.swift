import Foundation

/// One case file: a command on the first line, then sections between lines of `// ---`.
///
/// A section is a *body* (comments, what is given, a graph) and, from the first line that begins
/// with `// expect` or `// check`, an *expectation*.
package struct FileTest: Sendable {
  /// The path below the folder of cases, with slashes.
  package let name: String
  /// The file.
  package let url: URL

  /// The folder of all cases.
  package static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "FileTests/Cases", directoryHint: .isDirectory)

  /// Every file below `Cases`, or those whose path contains one of these texts.
  package static func discover(containing parts: [String] = []) -> [FileTest] {
    let paths = FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? []
    return paths.compactMap { $0 as? String }.sorted()
      .map { FileTest(name: $0, url: folder.appending(path: $0)) }
      .filter { test in
        let kind = try? test.url.resourceValues(forKeys: [.isDirectoryKey])
        return kind?.isDirectory != true
          && (parts.isEmpty || parts.contains(where: test.url.path.contains))
      }
  }

  /// The command's name: cases are in the folder of that name.
  package var command: String { String(name.prefix { $0 != "/" }) }

  /// Runs the command of the first line, one of `commands`, on each section.
  ///
  /// - Returns: the text that the file should have.
  package func observed(
    _ text: String, commands: [String: any FileTestCommand.Type]
  ) throws -> String {
    guard url.pathExtension == "vir" else { throw Failure("stray file: cases end in .vir") }
    guard text.hasSuffix("\n") else { throw Failure("the last line does not end") }
    let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    guard let first = lines.first, first.hasPrefix("// test: ") else {
      throw Failure("the first line is not '// test: COMMAND'")
    }
    let words = first.dropFirst("// test: ".count).split(separator: " ").map(String.init)
    guard let word = words.first, let command = commands[word] else {
      throw Failure("unknown command in '\(first)'; known: \(commands.keys.sorted())")
    }
    guard self.command == word else { throw Failure("is not in the folder Cases/\(word)") }
    var result = [first]
    for (index, section) in sections(lines).enumerated() {
      if index > 0 { result.append("// ---") }
      let run = try command.init(arguments: Array(words.dropFirst()))
      try rejectOrphans(section, keywords: command.keywords)
      do {
        result += try run.observe(section)
      } catch {
        throw Failure("section at line \(section.firstLine): \(error)")
      }
    }
    return result.joined(separator: "\n") + "\n"
  }

  /// Throws where the body has a directive that the command does not read.
  private func rejectOrphans(_ section: Section, keywords: Set<String>) throws {
    let all: Set = ["given", "tolerance", "error", "exit", "stderr", "stdout"]
    for (offset, line) in section.body.enumerated() {
      guard let comment = line.range(of: "// ") else { continue }
      let word = line[comment.upperBound...].prefix { $0.isLetter }
      let isDirective = all.contains(String(word)) && line[comment.upperBound...].contains(":")
      if isDirective, !keywords.contains(String(word)) {
        throw Failure("line \(section.firstLine + offset): nothing reads '// \(word)' here")
      }
    }
  }

  private func sections(_ lines: [String]) -> [Section] {
    var sections = [Section(body: [], expectation: [], firstLine: 2)]
    for (index, line) in lines.enumerated().dropFirst() {
      let last = sections.count - 1
      if line == "// ---" {
        sections.append(Section(body: [], expectation: [], firstLine: index + 2))
      } else if !sections[last].expectation.isEmpty || line.hasPrefix("// expect")
        || line.hasPrefix("// check")
      {
        sections[last].expectation.append(line)
      } else {
        sections[last].body.append(line)
      }
    }
    return sections
  }
}

extension FileTest {
  /// Runs the case and compares; with `blesses`, rewrites the file to what is observed.
  ///
  /// - Returns: how the file differs from what is observed; `nil` where it holds.
  package func run(
    commands: [String: any FileTestCommand.Type], blesses: Bool
  ) throws -> String? {
    let text = try String(contentsOf: url, encoding: .utf8)
    let observed: String
    do {
      observed = try self.observed(text, commands: commands)
    } catch {
      return "\(name): \(error)"
    }
    guard observed != text else { return nil }
    guard blesses else { return "\(name): \(Self.difference(text, observed))" }
    try observed.write(to: url, atomically: true, encoding: .utf8)
    return nil
  }

  /// Says where two texts part, and shows the second one whole.
  private static func difference(_ expected: String, _ observed: String) -> String {
    let a = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let b = observed.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(a, b).prefix { $0 == $1 }.count
    let (x, y) = (line < a.count ? a[line] : "", line < b.count ? b[line] : "")
    return """
      line \(line + 1) differs (make bless rewrites the file)
      in the file: \(x)
      observed:    \(y)
      the whole:
      \(observed)
      """
  }
}
