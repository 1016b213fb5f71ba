import Codegen
import Diagnostics
import Images
import IR
import Models
import Parallel
import Passes
import Photos
import VitRuntime

/// Fits a head to photos that a library of the model makes features of: of the same passes, weights
/// and instructions as the one that is being compiled, so that the head is fitted to what it will
/// read.
struct HeadFitStage {
  private let request: CompileRequest
  private let model: Model
  private let progress: Compiler.Progress

  /// - Parameter model: Loaded without a head.
  init(
    _ request: CompileRequest, _ model: Model, progress: @escaping Compiler.Progress
  ) {
    self.request = request
    self.model = model
    self.progress = progress
  }

  /// Fits.
  ///
  /// Errors: a model that cannot preprocess photos, or has not what the head is to read; what
  /// compiling and fitting report.
  func run(
    _ fit: HeadFitRequest
  ) throws(Diagnostic) -> (head: SuppliedHead, report: HeadReport) {
    try HeadFit.check(fit)
    let configuration = model.configuration
    if let reason = configuration.preprocessingRefusal {
      throw Diagnostic(
        "a head cannot be fitted: photos cannot be preprocessed: \(reason)",
        at: .file(fit.photos.folder))
    }
    let imported = try model.graph(reading: fit.reads)
    var calibrated: CalibrationStage.Result?
    if !request.calibration.isEmpty {
      calibrated = try CalibrationStage(request, model, imported, progress: progress).run()
    }
    let resolved = request.resolved(by: calibrated)
    progress("compile for the head", 0)
    let graph = try PassManager(
      resolved.passes(overriding: calibrated?.precisionOverrides ?? request.precisionOverrides)
    ).run(imported).graph
    let checkpoint = model.checkpoint
    let trial = TrialLibrary(
      configuration, beside: request.output ?? "", request.isPackage ? .package : .beside,
      threads: 1, purpose: .file(fit.photos.folder), store: request.store)
    return try trial.use(
      graph,
      weights: { (name) throws(Diagnostic) in
        if let found = calibrated?.calibration.tensor(named: name) { return found }
        return try checkpoint.read(name)
      },
      { library in
        let photos = PhotoModel(
          library, workers: Parallel.processors,
          alpha: configuration.preprocessing?.alpha == .onWhite ? .onWhite : .dropped)
        let output = ModelOutput.features.rawValue
        return try HeadFit(fit, photos, outputs: [output]) { $0[output] ?? [] }
          .run(progress: progress)
      })
  }
}
