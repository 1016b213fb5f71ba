import ArgumentParser
import Diagnostics
import Packaging
import VitRuntime

/// `vitc verify`: whether a library's weights are those it was compiled with.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares the weights of a compiled model with the hash that it states.",
    discussion: """
      Neither loads nor runs the library. The exit code is 0 if the weights are whole, 1 if they \
      are damaged, cut off or another model's.
      """)

  @Argument(help: "The compiled model, a shared library.")
  var library: String

  @Option(help: "Its weights file, where that does not stand beside it.")
  var weights: String?

  func run() throws {
    if let fault = LibraryFile.fault(library) { throw Diagnostic(fault, at: .file(library)) }
    let check = try WeightCheck(library: library, weights: weights)
    print("\(check.file): weights are whole: \(check.bytes) bytes, XXH3-128 \(check.hash)")
  }
}
