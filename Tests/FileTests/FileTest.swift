import Foundation
import Testing

/// One case file: a command on the first line, then sections between lines of `// ---`.
///
/// A section is a *body* (comments, what is given, a graph) and, from the first line that begins
/// with `// expect` or `// check`, an *expectation*.
struct FileTest: CustomTestStringConvertible, Sendable {
  /// One graph and what is expected of it.
  struct Section: Sendable {
    /// The lines up to the expectation.
    var body: [String]
    /// The expectation's lines, its first line included; empty where there is none.
    var expectation: [String]
    /// The number of the first line in the file, from 1.
    var firstLine: Int
  }

  /// The path below the folder of cases, with slashes.
  let name: String
  /// The file.
  let url: URL

  var testDescription: String { name }

  /// The folder of all cases.
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Cases", directoryHint: .isDirectory)

  /// `true` iff files are rewritten to what is observed: `BLESS=1`.
  static let isBlessing = ProcessInfo.processInfo.environment["BLESS"] == "1"

  /// Every file below `Cases`, or the one that `VITC_FILETEST` names by a part of its path.
  static func discover() -> [FileTest] {
    let wanted = ProcessInfo.processInfo.environment["VITC_FILETEST"]
    let paths = FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? []
    return paths.compactMap { $0 as? String }.sorted()
      .map { FileTest(name: $0, url: folder.appending(path: $0)) }
      .filter { test in
        let kind = try? test.url.resourceValues(forKeys: [.isDirectoryKey])
        return kind?.isDirectory != true && wanted.map(test.url.path.contains) ?? true
      }
  }

  /// Runs the command of the first line on each section.
  ///
  /// - Returns: the text that the file should have.
  func observed(_ text: String) throws -> String {
    guard url.pathExtension == "vir" else { throw Failure("stray file: cases end in .vir") }
    guard text.hasSuffix("\n") else { throw Failure("the last line does not end") }
    let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
    guard let first = lines.first, first.hasPrefix("// test: ") else {
      throw Failure("the first line is not '// test: COMMAND'")
    }
    let words = first.dropFirst("// test: ".count).split(separator: " ").map(String.init)
    guard let word = words.first, let command = Self.commands[word] else {
      throw Failure("unknown command in '\(first)'; known: \(Self.commands.keys.sorted())")
    }
    guard name.hasPrefix(word + "/") else { throw Failure("stands outside of Cases/\(word)") }
    var result = [first]
    for (index, section) in sections(lines).enumerated() {
      if index > 0 { result.append("// ---") }
      let run = try command.init(arguments: Array(words.dropFirst()), file: self)
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

/// Why a case cannot be run or does not hold.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// What the first line of a case names.
protocol FileTestCommand: Sendable {
  /// The directives that it reads in a section's body, besides the graph.
  static var keywords: Set<String> { get }

  /// Reads the words behind the command's name.
  init(arguments: [String], file: FileTest) throws

  /// Returns the lines that the section should have.
  ///
  /// Where the section holds, these are its own lines.
  func observe(_ section: FileTest.Section) throws -> [String]
}
