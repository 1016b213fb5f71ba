@preconcurrency import Foundation
import Diagnostics

// The C library's variable stdout is not declared safe to read from several threads; nobody assigns
// it.
#if canImport(Glibc)
  @preconcurrency import Glibc
#elseif canImport(Musl)
  @preconcurrency import Musl
#endif

/// Messages on stderr; stdout is for results.
enum Console {
  /// The exit code of wrong usage: `EX_USAGE` of sysexits.h, which swift-argument-parser uses too.
  static let usageError: Int32 = 64

  /// Prints a diagnostic.
  static func tell(_ diagnostic: Diagnostic) { tell(diagnostic.description) }

  /// Prints a line, at once.
  static func tell(_ line: String) { write(line + "\n") }

  /// Prints text without a line end, at once.
  static func write(_ text: String) {
    // Not by the C library's stderr, a variable that Swift may not read from several threads.
    FileHandle.standardError.write(Data(text.utf8))
  }

  /// Throws if what was printed to stdout did not all arrive, such as on a full disk.
  static func finishOutput() throws(Diagnostic) {
    // Once a write has failed, later ones may succeed: the mark in the stream remains.
    let failed = fflush(stdout) != 0
    guard failed || ferror(stdout) != 0 else { return }
    throw Diagnostic("cannot write to standard output", hint: "the disk may be full")
  }

  /// `true` iff stderr is a terminal, where a line may be drawn over.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
