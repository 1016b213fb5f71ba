import Codegen
import Diagnostics
import Evaluation
import IR
import Models
import Packaging
import Passes
import VitRuntime

/// A library that the compiler makes for its own use, and leaves no trace of.
struct TrialLibrary {
  private let configuration: any ModelConfiguration
  private let output: String

  /// Its unfinished files go beside `output`.
  init(_ configuration: any ModelConfiguration, beside output: String) {
    self.configuration = configuration
    self.output = output
  }

  /// Compiles a planned graph for this machine, and lets `body` use it.
  ///
  /// - Throws: what compiling throws, or what the library says of its use.
  func use<R>(
    _ graph: Graph, weights: @escaping Evaluator.WeightReader,
    _ body: (VitModel) throws -> R
  ) throws(Diagnostic) -> R {
    let targets = try Target.list("host")
    guard let architecture = Architecture(triple: targets[0].triple) else {
      throw Diagnostic("vitc has no runtime for '\(targets[0].triple)'")
    }
    let product = try Product(
      output: output, name: "trial", kind: .library, architecture: architecture,
      placement: .automatic(weightsBytes: graph.weightsBytes), weightsBytes: graph.weightsBytes)
    try WeightPacker(graph, weights: weights).pack(into: product) { _ in }
    let hash = product.sealWeights()
    var program = ProgramInfo(
      name: product.name, model: configuration.name, compilerVersion: Version.current,
      weightsBytes: graph.weightsBytes, weightsHashLow: hash.low, weightsHashHigh: hash.high,
      arenaBytes: graph.arenaBytes,
      preprocessing: PreprocessingInfo(configuration.preprocessing))
    program.weightsFileName = product.weightsFileName
    let code = try CodeGenerator.generate(graph, for: targets, program: program)
    return try product.tryOut(objects: code.modules) { (library, file) throws(Diagnostic) in
      do {
        return try body(try VitModel(path: library, options: VitOptions(weightsPath: file)))
      } catch {
        throw Diagnostic(
          "a library made to calibrate the model does not work: \(error)",
          at: .argument("--calibrate"))
      }
    }
  }
}
