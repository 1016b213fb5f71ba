import Compiler
import Diagnostics
import JSON

/// What `vitc compile --json` prints: the summary for programs.
struct CompileJSON: Encodable {
  /// A tensor of the interface, for one image or text.
  struct Tensor: Encodable {
    let name: String
    let dtype: String
    let shape: [Int]
  }

  /// One stage of the work.
  struct Stage: Encodable {
    let name: String
    let seconds: Double
  }

  /// What the passes did.
  struct Passes: Encodable {
    let run: Int
    let changed: Int
    let rewrites: Int
  }

  /// What calibration found.
  struct Calibration: Encodable {
    /// Absent for a text tower.
    let photos: Int?
    let images: Int?
    /// Of a text tower alone.
    let texts: Int?
    let errors: [String: Double]
    let raised: [String]
    let fellBack: Bool
  }

  let files: [String]
  let name: String?
  let model: String
  let summary: String
  let parameters: Int
  let numerics: String
  let precision: String
  let target: String
  /// Floating-point operations of one image, after the passes and as the model is written.
  let flops: Int
  let modelFlops: Int
  let weightsBytes: Int
  let weightsHash: String?
  let arenaBytes: Int
  let codeBytes: Int
  let steps: Int
  let outputs: [Tensor]
  let passes: Passes
  let calibration: Calibration?
  let head: HeadReport?
  let stages: [Stage]
  let notes: [String]
  let warnings: [String]

  enum CodingKeys: String, CodingKey {
    case files, name, model, summary, parameters, numerics, precision, target, flops, steps
    case outputs, passes, calibration, head, stages, notes, warnings
    case modelFlops = "model_flops"
    case weightsBytes = "weights_bytes"
    case weightsHash = "weights_hash"
    case arenaBytes = "arena_bytes"
    case codeBytes = "code_bytes"
  }

  init(_ report: CompileReport) throws(Diagnostic) {
    files = report.files
    name = report.interface?.name
    model = report.configuration.name
    summary = report.configuration.summary
    parameters = try report.configuration.parameters
    numerics = report.configuration.numericsSummary
    precision = report.precision
    target = report.target
    flops = report.flops
    modelFlops = report.modelFlops
    weightsBytes = report.weightsBytes
    weightsHash = report.interface.map { "\($0.weightsHash)" }
    arenaBytes = report.arenaBytes
    codeBytes = report.objectBytes
    steps = report.programSteps
    outputs = (report.interface?.outputs ?? []).map {
      Tensor(name: $0.name, dtype: $0.isHalf ? "f16" : "f32", shape: $0.shape)
    }
    passes = Passes(
      run: report.passes.records.count, changed: report.passes.records.count(where: \.changed),
      rewrites: report.passes.rewrites)
    calibration = report.calibration.map {
      Calibration(
        photos: $0.isOfTexts ? nil : $0.sources, images: $0.isOfTexts ? nil : $0.images,
        texts: $0.isOfTexts ? $0.sources : nil, errors: $0.errors, raised: $0.raised,
        fellBack: $0.fellBack)
    }
    head = report.headFit
    stages = report.stages.map { Stage(name: $0.name, seconds: $0.seconds) }
    notes = report.notes
    warnings = report.warnings.map(\.description)
  }
}
