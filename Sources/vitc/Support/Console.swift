import Foundation
import IR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is said on stderr; stdout is for the product.
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
    // nil stands for all streams: Swift may not read the C library's variable stdout.
    guard fflush(nil) != 0 else { return }
    let code = errno
    throw Diagnostic(
      "cannot write the output: \(String(cString: strerror(code)).lowercased())",
      at: .file("stdout"))
  }

  /// `true` iff stderr is a terminal, where a line may be drawn over.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
