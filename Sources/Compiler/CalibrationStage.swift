import Calibration
import Codegen
import Diagnostics
import Glibc
import IR
import Models
import Packaging
import Passes
import VitRuntime

/// Calibrates a model with photos, or a text tower with texts, and computes as much in bf16 as its
/// error limit demands.
struct CalibrationStage {
  /// What it finds.
  struct Result {
    /// The tensors that take the place of constants.
    var calibration = Calibration()
    /// What large matmuls are computed in: as the request says, or bf16 where the error demands
    /// that.
    var precision: Precision
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
    TrialLibrary(
      model.configuration, beside: request.output ?? "", request.isPackage ? .package : .beside,
      store: request.store)
  }

  /// Fewer photos say too little: one page of text makes the error half as large again.
  ///
  /// More take memory, a few hundred MB for each eight, and say nothing new.
  private static let photoCounts = 2...32
  /// The rows of 16 texts of CLIP are those of six images; 256 take the memory of 25 photos.
  private static let textCounts = 16...256

  /// Throws where there are too few photos or texts, or too many.
  static func check(_ request: CompileRequest) throws(Diagnostic) {
    guard request.calibrates else { return }
    let isOfTexts = !request.calibrationTexts.isEmpty
    let count = isOfTexts ? request.calibrationTexts.count : request.calibration.count
    let (counts, word) = isOfTexts ? (textCounts, "text") : (photoCounts, "photo")
    guard !counts.contains(count) else { return }
    let found =
      count == 1
      ? "one \(word) is too few"
      : "\(count) \(word)s are too \(count < counts.lowerBound ? "few" : "many")"
    throw Diagnostic(
      "\(found), expected \(counts.lowerBound) to \(counts.upperBound)",
      at: .argument("--calibrate"),
      hint: isOfTexts
        ? "use about 64 texts of the kind that the model will read"
        : "use about 8 photos of the kind that the model will see")
  }

  func run() throws(Diagnostic) -> Result {
    let images: [Tensor]
    if let text = model.text {
      images = try CalibrationTexts(folder: request.model, text).ids(of: request.calibrationTexts)
    } else {
      progress("read photos", 0)
      images = try CalibrationImages(model.configuration).images(
        of: request.calibration, with: trial)
    }
    var (result, calibrator) = try calibrated(images)
    if let limit = request.errorLimit {
      try keep(calibrator, images, limit, &result)
    }
    return result
  }

  /// Calibrates the model as the request says, without regard to the error.
  private func calibrated(_ images: [Tensor]) throws(Diagnostic) -> (Result, Calibrator) {
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
    let result = Result(
      calibration: calibration, precision: request.precision,
      precisionOverrides: request.precisionOverrides,
      read: Set(original.checkpointTensors.keys),
      report: CompileReport.Calibration(
        sources: sources, isOfTexts: model.text != nil, images: images.count,
        errors: calibration.errors))
    return (result, calibrator)
  }

  /// The number of photos, or of texts.
  private var sources: Int { max(request.calibration.count, request.calibrationTexts.count) }

  /// The stage of the same request with `--precision bf16` alone.
  private var inBF16: CalibrationStage {
    var request = request
    request.precision = .bf16
    request.attention = nil
    return CalibrationStage(request, model, imported, progress: progress)
  }

  /// Keeps fused linear layers in bf16, those first that gain most for their work, until the error
  /// of the compiled model is at most `limit`; the whole model, as `--precision bf16` does, where
  /// that is not enough.
  ///
  /// The two differ: what int8 has rotated stays so when a layer is computed in bf16, which holds
  /// small numbers beside large ones better as they were.
  private func keep(
    _ calibrator: Calibrator, _ images: [Tensor], _ limit: Double, _ result: inout Result
  ) throws(Diagnostic) {
    var error = try measured(images, &result)
    guard error > limit else { return }
    // The end is known first: no search for what there is not.
    var fallback = try inBF16.calibrated(images).0
    let least = try inBF16.measured(images, &fallback)
    guard least <= limit else {
      throw Diagnostic(
        "the error is \(Self.percent(least)) with every layer in bf16, expected at most "
          + Self.percent(limit), at: .argument("--max-error"),
        hint:
          "that is what --precision bf16 gives: raise the limit to \(Self.limit(above: least)), "
          + "or use --precision f32")
    }
    // One image of each photo, and each text, tells the order well enough.
    let step = images.count / sources
    let few = stride(from: 0, to: images.count, by: step).map { $0 }
    let gains = try Sensitivity(calibrator, result.calibration, images, few) {
      progress("find the worst layers", $0)
    }
    var ranking = gains.ranking
    while error > limit {
      guard !ranking.isEmpty else {
        fallback.report.fellBack = true
        fallback.read.formUnion(result.read)
        result = fallback
        return
      }
      for name in Self.next(&ranking, error: error, limit: limit) {
        result.precisionOverrides[name] = .bf16
        result.report.raised.append(name)
      }
      error = try measured(images, &result)
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

  /// The next number of two digits that an error is below, as `--max-error` takes it.
  private static func limit(above error: Double) -> String {
    guard error.isFinite, error > 0 else { return "\(error)" }
    let digits = 1 - Int(log10(error).rounded(.down))
    let scale = pow(10, Double(digits))
    return "\((error * scale).rounded(.up) / scale)"
  }
}
