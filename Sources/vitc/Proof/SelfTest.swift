import ArgumentParser
import Diagnostics
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

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
  }

  func run() throws {
    let isas = try CompiledModel(library, threads: threads).description.isas
    var table = TextTable([
      ("instruction set", .left), ("error", .right), ("limit", .right), ("result", .left),
    ])
    var failed: [String] = []
    for isa in isas {
      do {
        let model = try VitModel(path: library, options: VitOptions(threads: threads, isa: isa))
        let test = try model.selftest()
        table.add([
          isa, Format.scientific(test.error), Format.scientific(test.limit),
          test.passed ? "passed" : "failed",
        ])
        if !test.passed { failed.append(isa) }
      } catch  where error.status == .unsupportedCPU {
        table.add([isa, "", "", "not run: not supported by this processor"])
      } catch {
        throw Diagnostic("\(error)", at: .file(library))
      }
    }
    guard !isas.isEmpty else {
      throw Diagnostic(
        "the model was compiled by a version of vitc without self-tests", at: .file(library))
    }
    print(table.text(), terminator: "")
    guard failed.isEmpty else {
      throw Diagnostic(
        "the self-test failed for \(failed.joined(separator: ", "))", at: .file(library),
        hint: "'vitc verify' checks the weights")
    }
  }
}
