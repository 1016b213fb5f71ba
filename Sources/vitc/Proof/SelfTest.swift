import ArgumentParser
import Diagnostics
import JSON
import VitRuntime

/// `vitc selftest`: whether a library computes here what it computed when it was compiled.
struct SelfTest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest",
    abstract:
      "Runs a compiled model's self-test with each instruction set that this processor has.",
    discussion: """
      The library stores the outputs for a synthetic image, computed when it was compiled \
      ('vitc compile --no-self-test' leaves them out). The exit code is 1 if an error is above \
      its limit, or if there are no stored outputs or no instruction set that runs here.
      """)

  @Argument(help: "The compiled model.")
  var library: String

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Flag(help: "Print JSON.")
  var json = false

  /// What `--json` prints: an object for each instruction set.
  private struct Report: Encodable {
    enum Result: String, Encodable {
      case passed, failed
      /// This processor does not run it.
      case unsupported
    }

    struct Test: Encodable {
      let isa: String
      let result: Result
      let error: Double?
      let limit: Double?
    }

    let library: String
    let passed: Bool
    let tests: [Test]
  }

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
  }

  func run() throws {
    let isas = try CompiledModel(library, threads: threads).description.isas
    var table = TextTable([
      ("instruction set", .left), ("error", .right), ("limit", .right), ("result", .left),
    ])
    var failed: [String] = []
    var tests: [Report.Test] = []
    for isa in isas {
      do {
        let model = try VitModel(path: library, options: VitOptions(threads: threads, isa: isa))
        let test = try model.selftest()
        table.add([
          isa, Format.scientific(test.error), Format.scientific(test.limit),
          test.passed ? "passed" : "failed",
        ])
        tests.append(
          .init(
            isa: isa, result: test.passed ? .passed : .failed, error: test.error,
            limit: test.limit))
        if !test.passed { failed.append(isa) }
      } catch  where error.status == .unsupportedCPU {
        tests.append(.init(isa: isa, result: .unsupported, error: nil, limit: nil))
        table.add([isa, "", "", "not run: not supported by this processor"])
      } catch {
        throw Diagnostic("\(error)", at: .file(library))
      }
    }
    guard !isas.isEmpty else {
      throw Diagnostic(
        "the model was compiled by a version of vitc without self-tests", at: .file(library))
    }
    if json {
      try JSONValue.print(Report(library: library, passed: failed.isEmpty, tests: tests))
    } else {
      print(table.text(), terminator: "")
    }
    guard failed.isEmpty else {
      throw Diagnostic(
        "the self-test failed for \(failed.joined(separator: ", "))", at: .file(library),
        hint: "'vitc verify' checks the weights")
    }
  }
}
