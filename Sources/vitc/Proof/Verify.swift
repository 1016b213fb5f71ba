import ArgumentParser
import Diagnostics
import JSON
import Packaging
import VitRuntime

/// `vitc verify`: whether a library's weights are those it was compiled with.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks the weights of a compiled model against its hash.",
    discussion: """
      The library is neither loaded nor run. The exit code is 0 if the weights are intact, 1 if \
      they are damaged, truncated or those of another model.
      """)

  @Argument(help: "The compiled model, a shared library.")
  var library: String

  @Option(help: "Its weights file, if it is not beside the library.")
  var weights: String?

  @Flag(help: "Print JSON.")
  var json = false

  /// What `--json` prints.
  private struct Report: Encodable {
    let library: String
    /// The file that holds the weights.
    let file: String
    let bytes: Int
    /// XXH3-128.
    let hash: String
    let intact: Bool
  }

  func run() throws {
    if let fault = LibraryFile.fault(library, isLoaded: false) {
      throw Diagnostic(fault, at: .file(library))
    }
    let check = try WeightCheck(library: library, weights: weights)
    if json {
      return try JSONValue.print(
        Report(
          library: library, file: check.file, bytes: check.bytes, hash: "\(check.hash)",
          intact: true))
    }
    let file = PlainText.escaped(check.file)
    print("\(file): weights are intact: \(check.bytes) bytes, XXH3-128 \(check.hash)")
  }
}
