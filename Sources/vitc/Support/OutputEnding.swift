import Compiler
import Diagnostics
import Files

/// What the endings of files' names mean that are written.
enum OutputEnding {
  /// Throws unless a name ends in one of the endings that the command knows: a file of another
  /// format than its name says misleads whoever reads it.
  ///
  /// What is there and is no file, such as `/dev/stdout` or a pipe, may be called anything.
  ///
  /// - Parameters:
  ///   - path: The file, as given.
  ///   - known: The endings, without the point.
  ///   - hint: What helps besides.
  static func check(
    _ path: String, _ known: [String], hint: String? = nil
  ) throws(Diagnostic) {
    guard !known.contains(of(path)), !isDevice(path) else { return }
    var expected = known.dropLast().map { ".\($0)" }.joined(separator: ", ")
    if let last = known.last { expected += (expected.isEmpty ? "." : " or .") + last }
    throw Diagnostic(
      "'\(path)' must end in \(expected), which says the format", at: .argument("--output"),
      hint: hint)
  }

  /// Throws if a name has the ending of another kind of library than what is written: linkers go by
  /// it.
  static func check(_ path: String, of emission: CompileRequest.Emission) throws(Diagnostic) {
    let own: String
    switch emission {
    case .library: own = "so"
    case .static: own = "a"
    case .object: own = "o"
    case .llvm, .asm, .ir: return
    }
    guard of(path) != own, ["so", "a", "o"].contains(of(path)) else { return }
    throw Diagnostic(
      "--emit \(emission.rawValue) writes a .\(own) file, found '\(path)'", at: .argument("-o"),
      hint: "choose another name, or another --emit")
  }

  /// The ending of a name in lower case; nothing where there is none.
  static func of(_ path: String) -> String { Path.suffix(of: path).lowercased() }

  private static func isDevice(_ path: String) -> Bool {
    // Standard output may be a regular file.
    Path.kind(of: path) == .other && (RegularFile.size(path) == nil || path.hasPrefix("/dev/"))
  }
}
