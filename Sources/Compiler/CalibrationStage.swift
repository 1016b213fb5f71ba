import Calibration
import Codegen
import Diagnostics
import IR
import Models
import Packaging
import Passes
import VitRuntime

/// Calibrates a model with photos, and computes as much in bf16 as its error limit demands.
struct CalibrationStage {
  /// What it finds.
  struct Result {
    /// The tensors that take the place of constants.
    var calibration = Calibration()
    /// What is computed in another precision: what the request says, and what the error demands.
    var precisionOverrides: [String: Precision]
    /// The checkpoint's tensors that have been read.
    var read: Set<String>
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
  /// More take memory, a few hundred MB for each eight, and say nothing new.
  private static let mostPhotos = 32

  /// Throws where there are too few photos, or too many.
  static func check(_ photos: [String]) throws(Diagnostic) {
    guard !(leastPhotos...mostPhotos).contains(photos.count) else { return }
    let found =
      photos.count < leastPhotos ? "one photo is too few" : "\(photos.count) photos are too many"
    throw Diagnostic(
      "\(found), expected \(leastPhotos) to \(mostPhotos)",
      at: .argument("--calibrate"),
      hint: "use about 8 photos of the kind that the model will see")
  }

  func run() throws(Diagnostic) -> Result {
    progress("read photos", 0)
    let images = try CalibrationImages(model.configuration).images(
      of: request.calibration, with: trial)
    let lowering = [Pass.useInt8.name, Pass.useBF16.name]
    let passes = request.passes(overriding: request.precisionOverrides)
    let before = Array(passes.prefix { !lowering.contains($0.name) })
    let original = try PassManager(before).run(imported).graph
    let lowered = try PassManager(passes.filter { lowering.contains($0.name) }).run(original).graph
    let checkpoint = model.checkpoint
    let calibrator = Calibrator(lowered, of: original) { (name) throws(Diagnostic) in
      try checkpoint.read(name)
    }
    let calibration = try calibrator.run(images: images) { progress("calibrate", $0) }
    var result = Result(
      calibration: calibration, precisionOverrides: request.precisionOverrides,
      read: Set(original.checkpointTensors.keys),
      report: CompileReport.Calibration(
        photos: request.calibration.count, images: images.count, errors: calibration.errors))
    if let limit = request.errorLimit {
      try keep(calibrator, images, limit, &result)
    }
    return result
  }

  /// Keeps fused linear layers in bf16, those first that gain most for their work, until the error
  /// of the compiled model is at most `limit`.
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
            "the error is \(Self.percent(error)) with every layer in bf16, expected at most "
              + Self.percent(limit), at: .argument("--max-error"),
            hint: "raise the limit, or use --precision f32")
        }
        for name in Self.next(&ranking, error: error, limit: limit) {
          result.precisionOverrides[name] = .bf16
          result.report.raised.append(name)
        }
        error = try measured(images, &result)
      }
    }
  }

  /// Takes the fused linear layers off the ranking that should bring the error down to the limit;
  /// those that gained nothing alone a few at a time.
  private static func next(
    _ ranking: inout [(name: String, gain: Double)], error: Double, limit: Double
  ) -> [String] {
    var square = error * error
    let gaining = ranking.prefix { $0.gain > 0 }
    let enough = gaining.prefix {
      guard square > limit * limit else { return false }
      square -= $0.gain
      return true
    }
    let count = gaining.isEmpty ? min(4, ranking.count) : enough.count
    defer { ranking.removeFirst(count) }
    return ranking.prefix(count).map(\.name)
  }

  /// The largest error of the outputs of the compiled model, as it is now.
  private func measured(
    _ images: [Tensor], _ result: inout Result
  ) throws(Diagnostic) -> Double {
    progress("measure the error", 0)
    let graph = try PassManager(request.passes(overriding: result.precisionOverrides)).run(imported)
      .graph
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
