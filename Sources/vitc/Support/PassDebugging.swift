import ArgumentParser
import Diagnostics
import Files
import Passes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The options that show what passes do, common to `compile` and `opt`.
struct PassDebugging: ParsableArguments {
  @Option(help: "Print the graph before this pass, or before 'all', on stderr.")
  var printBefore: [String] = []

  @Option(
    help: "Print the graph after this pass, or after 'all', on stderr, if it changed the graph.")
  var printAfter: [String] = []

  @Option(
    help: "Write the graph after each pass that changed it to a numbered file in this folder.")
  var dumpDir: String?

  @Option(help: "Do only the first N optional rewrites, to find the one that breaks a model.")
  var rewrites: Int?

  @Flag(help: "Print the time and the number of rewrites of each pass.")
  var timePasses = false

  func validate() throws {
    if let rewrites, rewrites < 0 {
      throw ValidationError("--rewrites must be 0 or more, found \(rewrites).")
    }
  }

  /// Throws if the folder for graphs is not one, before any work is done.
  func check() throws(Diagnostic) {
    guard let dumpDir else { return }
    var status = stat()
    guard stat(dumpDir, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else { return }
    throw Diagnostic(
      "is not a folder, expected one to write graphs to", at: .file(dumpDir),
      hint: "create the folder '\(dumpDir)' first")
  }

  /// What the pass manager is to do; graphs that cannot be written end in `failures`.
  func options(stopAfter: String?, failures: DumpFailures) -> PassManager.Options {
    let (before, after) = (Self.selection(printBefore), Self.selection(printAfter))
    var options = PassManager.Options(
      printBefore: before, printAfter: dumpDir == nil ? after : .all, stopAfter: stopAfter,
      rewriteLimit: rewrites ?? .max)
    options.dumpBefore = { pass, graph in Console.tell("// before \(pass.name)\n\(graph)") }
    options.dump = { pass, graph in
      if after.contains(pass) { Console.tell("// after \(pass.name)\n\(graph)") }
      guard let dumpDir else { return }
      failures.count += 1
      let number = (failures.count < 10 ? "0" : "") + String(failures.count)
      do throws(Diagnostic) {
        try AtomicFile.write(
          path: "\(dumpDir)/\(number)-\(pass.name).vir", contents: Array(graph.description.utf8))
      } catch {
        failures.first = failures.first ?? error
      }
    }
    return options
  }

  private static func selection(_ names: [String]) -> PassManager.Selection {
    names.contains("all") ? .all : .named(Set(names))
  }
}

/// How many graphs were dumped, and the first that could not be written.
final class DumpFailures {
  fileprivate(set) var count = 0
  fileprivate(set) var first: Diagnostic?

  /// Throws the first failure.
  func check() throws(Diagnostic) {
    if let first { throw first }
  }
}
