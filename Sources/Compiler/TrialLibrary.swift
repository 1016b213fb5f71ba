import Codegen
import Diagnostics
import Evaluation
import IR
import Models
import Packaging
import VitRuntime

/// A library that the compiler makes for a calibration or for fitting a head, and leaves no trace
/// of.
struct TrialLibrary {
  private let configuration: any ModelConfiguration
  private let output: String
  private let arrangement: Artifact.Arrangement
  private let threads: Int
  private let purpose: Diagnostic.Location
  private let store: (any ObjectStore)?

  /// Its unfinished files go beside `output`, or into the folder of a package.
  ///
  /// - Parameters:
  ///   - threads: How many threads a run uses; 0 for all processors.
  ///   - purpose: What messages name.
  ///   - store: Has code that was generated before.
  init(
    _ configuration: any ModelConfiguration, beside output: String,
    _ arrangement: Artifact.Arrangement = .beside, threads: Int = 0,
    purpose: Diagnostic.Location = .argument("--calibrate"), store: (any ObjectStore)? = nil
  ) {
    self.configuration = configuration
    self.output = output
    self.arrangement = arrangement
    self.threads = threads
    self.purpose = purpose
    self.store = store
  }

  /// Compiles a planned graph for this machine, and lets `body` use it.
  ///
  /// - Throws: what compiling throws, or what the library says of its use.
  func use<R>(
    _ graph: Graph, weights: @escaping Evaluator.WeightReader,
    _ body: (VitModel) throws -> R
  ) throws(Diagnostic) -> R {
    var build = Build(
      graph, for: try Target.list("host"), name: "trial", model: configuration.name,
      weights: weights)
    build.program.preprocessing = PreprocessingInfo(configuration)
    build.arrangement = arrangement
    build.store = store
    return try build.tryOut(beside: output) { (library, file) throws(Diagnostic) in
      do {
        return try body(
          try VitModel(path: library, options: VitOptions(threads: threads, weightsPath: file)))
      } catch let diagnostic as Diagnostic {
        throw diagnostic
      } catch {
        throw Diagnostic("the trial library failed: \(error)", at: purpose)
      }
    }
  }
}
