import Calibration
import Codegen
import IR
import Models
import Packaging
import Passes
import VitRuntime

/// Calibrates a model with photos, and keeps what must be kept for its error to be small enough.
struct CalibrationPhase {
  /// What it finds.
  struct Result {
    /// The tensors that take the place of constants.
    var calibration = Calibration()
    /// What is kept in another precision: what the request says, and what the error demands.
    var kept: [String: Precision]
    var report: CompileReport.Calibration
  }

  private let request: CompileRequest
  private let model: Model
  private let imported: Graph
  private let progress: Compiler.Progress

  init(
    _ request: CompileRequest, _ model: Model, _ imported: Graph,
    progress: @escaping Compiler.Progress
  ) {
    self.request = request
    self.model = model
    self.imported = imported
    self.progress = progress
  }

  private var trial: TrialLibrary {
    TrialLibrary(model.configuration, beside: request.output ?? "")
  }

  /// Fewer photos than this say too little: one page of text makes the error half as large again.
  private static let leastPhotos = 2

  func run() throws(Diagnostic) -> Result {
    guard request.calibration.count >= Self.leastPhotos else {
      throw Diagnostic(
        "one photo is too few", at: .argument("--calibrate"),
        hint: "8 photos of the kind that the model will see do well")
    }
    progress("read photos", 0)
    let images = try CalibrationImages(model.configuration).images(
      of: request.calibration, with: trial)
    let lowering = [Pass.useInt8.name, Pass.useBF16.name]
    let passes = request.passes(keeping: request.kept)
    let before = Array(passes.prefix { !lowering.contains($0.name) })
    let original = try PassManager(before).run(imported).graph
    let lowered = try PassManager(passes.filter { lowering.contains($0.name) }).run(original).graph
    let checkpoint = model.checkpoint
    let calibrator = Calibrator(lowered, of: original) { (name) throws(Diagnostic) in
      try checkpoint.read(name)
    }
    let calibration = try calibrator.run(images: images) { progress("calibrate", $0) }
    var result = Result(
      calibration: calibration, kept: request.kept,
      report: CompileReport.Calibration(
        photos: request.calibration.count, images: images.count, errors: calibration.errors))
    if let limit = request.errorLimit {
      try keep(calibrator, images, limit, &result)
    }
    return result
  }

  /// Keeps contractions in bf16, those first that gain most for their work, until the error of the
  /// compiled model is at most `limit`.
  private func keep(
    _ calibrator: Calibrator, _ images: [Tensor], _ limit: Double, _ result: inout Result
  ) throws(Diagnostic) {
    var error = try measured(images, &result)
    if error > limit {
      // One image of each photo tells the order well enough.
      let step = images.count / request.calibration.count
      let few = stride(from: 0, to: images.count, by: step).map { $0 }
      let gains = try Sensitivity(calibrator, result.calibration, images, few) {
        progress("find the worst layers", $0)
      }
      var ranking = gains.ranking
      while error > limit {
        guard !ranking.isEmpty else {
          throw Diagnostic(
            "the error is \(Self.percent(error)) with every layer in bf16, the limit "
              + Self.percent(limit), at: .argument("--max-error"),
            hint: "--precision f32 is exact")
        }
        var square = error * error
        repeat {
          let (name, gain) = ranking.removeFirst()
          result.kept[name] = .bf16
          result.report.kept.append(name)
          square -= max(0, gain)
        } while square > limit * limit && !ranking.isEmpty
        error = try measured(images, &result)
      }
    }
  }

  /// The largest error of the outputs of the compiled model, as it is now.
  private func measured(
    _ images: [Tensor], _ result: inout Result
  ) throws(Diagnostic) -> Double {
    progress("measure the error", 0)
    let graph = try PassManager(request.passes(keeping: result.kept)).run(imported).graph
    let (calibration, checkpoint) = (result.calibration, model.checkpoint)
    let found = try trial.use(
      graph,
      weights: { (name) throws(Diagnostic) in
        if let found = calibration.tensor(named: name) { return found }
        return try checkpoint.read(name)
      },
      { model in
        try model.makeContext().runAll(
          images: images.flatMap(\.values), count: images.count)
      })
    var tensors: [String: [Tensor]] = [:]
    for (name, truth) in calibration.truth {
      guard let values = found[name], let size = truth.first?.values.count else { continue }
      tensors[name] = truth.indices.map {
        Tensor(shape: truth[$0].shape, values: Array(values[$0 * size..<($0 + 1) * size]))
      }
    }
    result.report.errors = OutputError.relative(tensors, of: calibration.truth)
    return result.report.errors.values.max() ?? 0
  }

  private static func percent(_ error: Double) -> String {
    "\((error * 10000).rounded() / 100) %"
  }
}
