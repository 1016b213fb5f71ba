import Calibration
import Codegen
import Diagnostics
import IR
import Models
import Packaging
import Passes

/// Turns a model and its checkpoint into a native library: the phases of `vitc compile`, in order.
public struct Compiler {
  /// Hears what is being done and how much of it is done, from 0 to 1; from any thread.
  public typealias Progress = @Sendable (_ phase: String, _ fraction: Double) -> Void

  private let request: CompileRequest
  private let progress: Progress

  /// Creates a compiler.
  public init(_ request: CompileRequest, progress: @escaping Progress = { _, _ in }) {
    self.request = request
    self.progress = progress
  }

  /// Compiles.
  ///
  /// - Throws: whatever is wrong with the model, its checkpoint, the options or the output; nothing
  ///   is left at the output then.
  public func run() throws(Diagnostic) -> CompileReport {
    var watch = Stopwatch()
    var targets = try Target.list(request.target)
    if request.emission == .llvm || request.emission == .asm, targets.count != 1 {
      throw Diagnostic(
        "--emit \(request.emission.rawValue) shows the code of one target, found "
          + "\(targets.count)", at: .argument("--target"),
        hint: "say --target host for the richest one that this machine runs")
    }
    if !request.calibration.isEmpty { try CalibrationPhase.check(request.calibration) }
    progress("read model", 0)
    let model = try Model.load(
      request.model,
      options: ModelOptions(
        weights: request.weights, imageSize: request.imageSize, classes: request.classes,
        dropsHead: !request.wantsHead, numerics: request.numerics))
    let outputs = request.outputs.isEmpty ? model.defaultOutputs : request.outputs
    let imported = try model.graph(outputs: outputs)
    watch.lap("read model")

    // Mistakes are told before minutes of calibration.
    let name = try symbolPrefix(model)
    var calibrated: CalibrationPhase.Result?
    if !request.calibration.isEmpty, request.emission.product != nil {
      try checkKept(PassManager(request.passes(keeping: request.kept)).run(imported).graph)
      calibrated = try CalibrationPhase(request, model, imported, progress: progress).run()
      watch.lap("calibrate")
    }

    progress("run passes", 0)
    let (graph, passes) = try PassManager(
      request.passes(keeping: calibrated?.kept ?? request.kept)
    ).run(imported, request.passOptions)
    watch.lap("run passes")

    var report = CompileReport(configuration: model.configuration, passes: passes)
    report.modelFlops = imported.cost.flops
    report.flops = graph.cost.flops
    report.precision = graph.precisionSummary
    report.calibration = calibrated?.report
    try checkKept(graph)
    let named = targets
    if !graph.multipliesNarrow { targets = Target.withoutNarrowProducts(targets) }
    report.target = Target.summary(targets)
    report.notes = model.notes
    if request.target.contains("+"), targets != named {
      report.notes.append(
        "nothing here multiplies numbers narrower than f32, so the code is for "
          + "\(Target.names(targets)) and runs there")
    }
    report.warnings = model.warnings
    if request.emission == .ir {
      report.text = graph.description
    } else {
      guard graph.form == .planned else {
        throw Diagnostic(
          "the passes stop in the form '\(graph.form.rawValue)', code needs 'planned'",
          at: .argument("--stop-after"), hint: "use it with --emit ir")
      }
      try generate(
        graph, of: imported, model, named: name, calibrated, targets, &report, &watch)
      report.warnings += model.checkpoint.warnings
    }
    report.phases = watch.phases
    return report
  }

  private func generate(
    _ graph: Graph, of imported: Graph, _ model: Model, named name: String,
    _ calibrated: CalibrationPhase.Result?, _ targets: [Target], _ report: inout CompileReport,
    _ watch: inout Stopwatch
  ) throws(Diagnostic) {
    report.weightsBytes = graph.weightsBytes
    report.arenaBytes = graph.arenaBytes
    let metadata = ModelMetadata(
      model.configuration, report.passes, graph,
      logits: graph.outputs.contains { $0.name == "logits" })
    var program = ProgramInfo(
      name: name, model: model.configuration.name,
      compilerVersion: Version.current, weightsBytes: graph.weightsBytes,
      arenaBytes: graph.arenaBytes, parameters: imported.parameterCount, flops: report.flops,
      preprocessing: PreprocessingInfo(model.configuration.preprocessing),
      json: try metadata.text())

    // In f32 5 times what goldens allow any instruction set (2e-5). In bf16 and int8 sums that
    // differ in their last bits are rounded to different factors now and then: 3 times what goldens
    // allow bf16 (0.03), and twice that where factors are coarser.
    program.selfTestLimit =
      switch request.precision {
      case .f32: 1e-4
      case .bf16: 0.1
      case .int8: 0.2
      }
    switch request.emission {
    case .llvm, .asm:
      let code = try CodeGenerator.generate(
        graph, for: targets, program: program,
        as: request.emission == .llvm ? .llvm : .assembly)
      watch.lap("generate code")
      report.programPhases = code.phases.count
      report.text = String(decoding: code.modules[0], as: UTF8.self)
    case .library, .static, .object, .ir:
      guard let kind = request.emission.product, let output = request.output else {
        throw Diagnostic("no output file is named", at: .argument("-o"))
      }
      guard let architecture = Architecture(triple: targets[0].triple) else {
        throw Diagnostic(
          "vitc has no runtime for '\(targets[0].triple)'", at: .argument("--target"))
      }
      let product = try Product(
        output: output, name: program.name, kind: kind, architecture: architecture,
        placement: placement(graph.weightsBytes), weightsBytes: graph.weightsBytes)
      let (total, progress) = (Double(max(1, graph.weightsBytes)), progress)
      let checkpoint = model.checkpoint
      let packer = WeightPacker(graph) { (name) throws(Diagnostic) in
        if let found = calibrated?.calibration.tensor(named: name) { return found }
        return try checkpoint.read(name)
      }
      try packer.pack(into: product) { progress("pack weights", Double($0) / total) }
      // A checkpoint with a NaN is broken, be it in a tensor that the passes found to have no
      // effect, such as a bias of keys: reading is what notices it.
      let read = (calibrated?.read ?? []).union(graph.checkpointTensors.keys)
      for name in imported.checkpointTensors.keys.sorted() where !read.contains(name) {
        _ = try checkpoint.read(name)
      }
      let hash = product.sealWeights()
      watch.lap("pack weights")

      program.weightsHashLow = hash.low
      program.weightsHashHigh = hash.high
      program.weightsFileName = product.weightsFileName
      var golden = GoldenRun(isWanted: request.wantsGolden, kind: kind, targets: targets)
      if golden.needsRehearsal {
        self.progress("compute golden values", 0)
        program.golden = try rehearse(graph, program, product, &golden)
        watch.lap("golden values")
      }

      self.progress("generate code", 0)
      let code = try CodeGenerator.generate(graph, for: targets, program: program)
      report.programPhases = code.phases.count
      report.objectBytes = code.modules.reduce(0) { $0 + $1.count }
      watch.lap("generate code")

      self.progress("link", 0)
      report.files = try product.finish(
        objects: code.modules, interface: interface(graph, model, targets, program, hash)
      ) { library, weights in
        guard golden.runsProduct else { return nil }
        watch.lap("link")
        self.progress("compute golden values", 0)
        return golden.values(of: library, weights: weights)
      }
      watch.lap(golden.ran && golden.runsProduct ? "golden values" : "link")
      if let reason = golden.reason {
        report.notes.append("no golden values for \(program.name)_selftest: \(reason)")
      }
    }
  }

  /// Throws where an operation that is to be kept in another precision is none of the graph's.
  private func checkKept(_ graph: Graph) throws(Diagnostic) {
    let constants = graph.constants()
    let names = graph.nodes.indices.filter {
      !constants[$0] && graph.precision(of: graph.nodes[$0]) != nil
    }.map { graph.nodes[$0].name }
    for name in request.kept.keys.sorted() where !names.contains(name) {
      throw Diagnostic(
        "no product is named '\(name)'", at: .argument("--keep"),
        hint: Suggestion.hint(for: name, in: names)
          ?? "vitc inspect says the names of a compiled model's operations")
    }
  }

  /// Compiles the program for this machine as well and runs it, for the golden values of a product
  /// that cannot be run here as it is; none where the run fails.
  private func rehearse(
    _ graph: Graph, _ program: ProgramInfo, _ product: Product, _ golden: inout GoldenRun
  ) throws(Diagnostic) -> [[Float]] {
    var program = program
    program.weightsFileName = program.weightsFileName ?? "\(program.name).weights"
    let code = try CodeGenerator.generate(graph, for: [golden.target], program: program)
    let values = try product.rehearse(objects: code.modules) { library, weights in
      golden.values(of: library, weights: weights)
    }
    return (values ?? []).map(\.record)
  }

  private func placement(_ weightsBytes: Int) -> Product.Placement {
    switch request.weightPlacement {
    case .automatic: .automatic(weightsBytes: weightsBytes)
    case .file: .file
    }
  }

  /// The prefix of every symbol: as asked for, or from the output's file name without `lib` and
  /// extension, or from the model's name.
  private func symbolPrefix(_ model: Model) throws(Diagnostic) -> String {
    if let name = request.name {
      try ExportedSymbols.check(name: name)
      return name
    }
    guard let output = request.output, request.emission.product != nil else {
      return ExportedSymbols.name(from: model.configuration.name)
    }
    let file = output.split(separator: "/").last.map(String.init) ?? output
    let stem = file.split(separator: ".", omittingEmptySubsequences: false).first ?? ""
    let bare = stem.hasPrefix("lib") && stem.count > 3 ? stem.dropFirst(3) : stem
    return ExportedSymbols.name(from: String(bare))
  }

  private func interface(
    _ graph: Graph, _ model: Model, _ targets: [Target], _ program: ProgramInfo,
    _ hash: WeightHash
  ) -> ModelInterface {
    let configuration = model.configuration
    return ModelInterface(
      name: program.name, model: program.model, compilerVersion: program.compilerVersion,
      target: Target.summary(targets), weightsHash: hash, weightsBytes: program.weightsBytes,
      weightsFileName: program.weightsFileName,
      image: [configuration.channels, configuration.imageHeight, configuration.imageWidth],
      outputs: graph.outputs.map {
        ModelInterface.Tensor(name: $0.name, shape: graph[$0.value].type.shape)
      },
      parameters: program.parameters, flops: program.flops, arenaBytes: program.arenaBytes,
      numerics: configuration.numericsSummary, precision: graph.precisionSummary,
      preprocessing: configuration.preprocessing?.summary)
  }
}
