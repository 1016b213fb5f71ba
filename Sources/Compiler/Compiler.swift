import Calibration
import Codegen
import Diagnostics
import IR
import Models
import Packaging
import Passes
import Tokenizers

/// Turns a model and its checkpoint into a native library: the stages of `vitc compile`, in order.
public struct Compiler {
  /// Hears what is being done and how much of it is done, from 0 to 1; from any thread.
  public typealias Progress = @Sendable (_ stage: String, _ fraction: Double) -> Void

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
        hint: "--target host is the best one that this machine runs")
    }
    try CalibrationStage.check(request)
    // Files are read twice: by this, and by who compiles them.
    let provenance =
      request.emission.artifact == nil
      ? nil
      : Provenance.Pending(
        request, targets.first.flatMap { Architecture(triple: $0.triple) })
    let (loaded, fitted) = try load()
    let sizes = try SizedModels(loaded, request)
    let model = sizes.first
    let outputs = request.outputs.isEmpty ? model.defaultOutputs : request.outputs
    let imported = try model.graph(outputs: outputs)
    watch.lap(fitted == nil ? "read model" : "read model, fit head")

    // Mistakes are reported before minutes of calibration.
    let name = try symbolPrefix(model)
    var calibrated: CalibrationStage.Result?
    if request.calibrates, request.emission.artifact != nil {
      try checkOverrides(
        PassManager(request.passes(overriding: request.precisionOverrides)).run(imported).graph)
      calibrated = try CalibrationStage(request, model, imported, progress: progress).run()
      watch.lap("calibrate")
    }

    progress("run passes", 0)
    let resolved = request.resolved(by: calibrated)
    let pipeline = resolved.passes(
      overriding: calibrated?.precisionOverrides ?? request.precisionOverrides)
    let (graph, passes) = try PassManager(pipeline).run(imported, request.passOptions)
    let further = try sizes.further.map { (model) throws(Diagnostic) in
      try SizedModels.program(model, outputs: outputs, passes: pipeline)
    }
    watch.lap("run passes")

    var report = CompileReport(configuration: model.configuration, passes: passes)
    report.stages = watch.stages
    report.modelFlops = imported.cost.flops
    report.flops = graph.cost.flops
    report.precision = graph.precisionSummary
    report.calibration = calibrated?.report
    report.headFit = fitted
    try checkOverrides(graph)
    try checkAttention(resolved, graph)
    let named = targets
    let types = graph.multipliedTypes
    if types.isSubset(of: [.f32]) {
      targets = Target.withoutNarrowProducts(targets)
    } else if request.target == Target.portableWord {
      targets = Target.portable(multiplying: types)
    }
    report.target = Target.summary(targets)
    report.notes = model.notes + [sizes.note].compactMap(\.self)
    report.sizes = ([sizes.first] + sizes.further).map {
      ImageSize(height: $0.configuration.imageHeight, width: $0.configuration.imageWidth)
    }
    if request.target.contains("+"), targets != named {
      report.notes.append(
        "the model multiplies f32 only, so the code is for \(Target.names(targets))")
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
      report.provenance = try provenance?.result()
      try generate(
        graph, further, of: imported, model, named: name, calibrated, targets, &report)
      report.warnings += model.checkpoint.warnings
    }
    return report
  }

  /// Fits a head to photos, and compiles no library.
  ///
  /// - Throws: whatever is wrong with the model, its checkpoint, the options or the photos.
  public func fitHead(
    _ fit: HeadFitRequest
  ) throws(Diagnostic) -> (head: SuppliedHead, report: HeadReport, notes: [String]) {
    let model = try loadModel(withoutHead: true)
    let (head, report) = try HeadFitStage(request, model, progress: progress).run(fit)
    return (head, report, model.notes)
  }

  private func loadModel(withoutHead: Bool) throws(Diagnostic) -> Model {
    progress("read model", 0)
    return try Model.load(
      request.model,
      options: ModelOptions(
        weights: request.weights, imageSize: request.imageSize, classes: request.classes,
        dropsHead: withoutHead, numerics: request.numerics, scores: request.scores,
        outputs: request.outputs, ignoredTensors: request.ignoredTensors))
  }

  /// Reads the model, with the head that is not the checkpoint's, if one is wanted.
  private func load() throws(Diagnostic) -> (model: Model, fitted: HeadReport?) {
    if case .text(let length) = request.tower {
      progress("read model", 0)
      let model = try Model.loadText(
        request.model, weights: request.weights, length: length,
        ignoring: request.ignoredTensors)
      return (model, nil)
    }
    if let path = request.headFile {
      // What is wrong with a small file is said before a large one is read.
      let head = try HeadFile.read(path)
      let model = try loadModel(withoutHead: true)
      return (try model.attaching(head, scores: request.scores), nil)
    }
    if let classes = request.textClasses {
      let comparison = try TextComparison.read(folder: request.model, weights: request.weights)
      let model = try loadModel(withoutHead: true)
      return (try classes.attach(to: model, comparison, scores: request.scores), nil)
    }
    guard let fit = request.headFit else {
      return (try loadModel(withoutHead: !request.wantsHead), nil)
    }
    try HeadFit.check(fit)
    let model = try loadModel(withoutHead: true)
    let (head, report) = try HeadFitStage(request, model, progress: progress).run(fit)
    return (try model.attaching(head, scores: request.scores), report)
  }

  private func generate(
    _ graph: Graph, _ further: [ProgramSize], of imported: Graph, _ model: Model,
    named name: String,
    _ calibrated: CalibrationStage.Result?, _ targets: [Target], _ report: inout CompileReport
  ) throws(Diagnostic) {
    let configuration = model.configuration
    let checkpoint = model.checkpoint
    var build = Build(graph, for: targets, name: name, model: configuration.name) {
      (name) throws(Diagnostic) in
      if let found = calibrated?.calibration.tensor(named: name) { return found }
      return try checkpoint.read(name)
    }
    for size in further { try build.add(size) }
    report.weightsBytes = build.program.weightsBytes
    report.arenaBytes = max(graph.arenaBytes, further.map(\.arenaBytes).max() ?? 0)
    var metadata = try ModelMetadata(
      model, report.passes, graph, report.provenance)
    if let text = model.text, let tokenizer = tokenizer(text, &report) {
      metadata.textTower?.tokenizer = .init(
        name: tokenizer.name, bytes: 4 * tokenizer.table.count)
      build.program.tokenizer = tokenizer.table
      build.tokenizer = tokenizer.name
    }
    build.program.json = try metadata.text()
    build.program.scores = metadata.scores?.rawValue
    build.program.parameters = imported.parameterCount
    build.program.flops = report.flops
    build.program.preprocessing = PreprocessingInfo(configuration)
    let resolved = request.resolved(by: calibrated)
    build.program.selfTestLimit = selfTestLimit(
      resolved.attention ?? resolved.precision,
      returnsHalves: graph.outputs.contains { graph[$0.value].type.element == .f16 })
    build.scores = metadata.scores
    build.logitsAreEmbedding = configuration.logitsAreEmbedding
    build.numerics = configuration.numericsSummary
    build.preprocessing =
      configuration.preprocessing?.summary
      ?? "none, always an error: \(configuration.preprocessingRefusal ?? "not known")"

    switch request.emission {
    case .llvm, .asm:
      var watch = Stopwatch()
      let code = try build.code(as: request.emission == .llvm ? .llvm : .assembly)
      watch.lap("generate code")
      report.stages += watch.stages
      report.programSteps = code.steps.count
      report.text = String(decoding: code.modules[0], as: UTF8.self)
    case .library, .static, .object, .ir:
      guard let kind = request.emission.artifact, let output = request.output else {
        throw Diagnostic("no output file is named", at: .argument("-o"))
      }
      build.kind = kind
      if request.weightPlacement == .file { build.placement = .file }
      if request.isPackage { build.arrangement = .package }
      build.wantsSelfTest = request.wantsSelfTest
      build.keepsSymbols = request.keepsSymbols
      build.store = request.store
      // A checkpoint with a NaN is broken, be it in a tensor that the passes found to have no
      // effect, such as a bias of keys: reading is what notices it.
      let read = (calibrated?.read ?? []).union(graph.checkpointTensors.keys)
      build.alsoRead = imported.checkpointTensors.keys.sorted().filter { !read.contains($0) }
      if request.precision == .int8, !request.calibrates { build.estimate = RunningEstimate(graph) }
      let result = try build.write(to: output, progress: progress)
      if let estimate = build.estimate?.estimate {
        report.warnings += QuantizationCheck.warnings(estimate)
      }
      report.stages += result.stages
      report.programSteps = result.steps
      report.objectBytes = result.objectBytes
      report.files = result.files
      report.interface = result.interface
      if let reason = result.missingSelfTest {
        report.notes.append("no self-test values for \(name)_selftest: \(reason)")
      }
    }
  }

  /// The tokenizer of a text tower's folder; a warning says why there is none.
  private func tokenizer(_ text: TextInput, _ report: inout CompileReport) -> Tokenizer? {
    do throws(Diagnostic) {
      let tokenizer = try Tokenizer(folder: request.model, length: text.length)
      if tokenizer.vocabulary > text.vocabulary {
        report.warnings.append(
          Diagnostic(
            "the tokenizer's numbers end at \(tokenizer.vocabulary - 1), the text tower's at "
              + "\(text.vocabulary - 1): texts with tokens between them cannot be run",
            severity: .warning, at: .file(request.model)))
      }
      return tokenizer
    } catch {
      report.warnings.append(
        Diagnostic(
          "the library holds no tokenizer, so texts come to it as ids: \(error.message)",
          severity: .warning, at: error.location))
      return nil
    }
  }

  /// The largest error that a self-test lets pass.
  ///
  /// In f32 5 times what goldens allow any instruction set (2e-5). In bf16 and int8 sums that
  /// differ in their last bits are rounded to different operands now and then: 3 times what goldens
  /// allow bf16 (0.03), and twice that where the formats are coarser. An output in half precision
  /// is rounded to a neighbour then, which is 2^-10 of it away: twice that.
  private func selfTestLimit(_ precision: Precision, returnsHalves: Bool) -> Float {
    switch precision {
    case .f32: returnsHalves ? 2e-3 : 1e-4
    case .bf16: 0.1
    case .int8: 0.2
    }
  }

  /// Throws where an operation that is to be computed in another precision is not in the graph.
  private func checkOverrides(_ graph: Graph) throws(Diagnostic) {
    let constants = graph.constants()
    let names = graph.nodes.indices.filter {
      !constants[$0] && graph.precision(of: graph.nodes[$0]) != nil
    }.map { graph.nodes[$0].name }
    for name in request.precisionOverrides.keys.sorted() where !names.contains(name) {
      throw Diagnostic(
        "the model has no matrix operation '\(name)'", at: .argument("--keep"),
        hint: Suggestion.hint(for: name, in: names)
          ?? "'vitc inspect' lists the operations of a compiled model")
    }
  }

  /// Throws where attentions are to be of integers and none is.
  private func checkAttention(_ request: CompileRequest, _ graph: Graph) throws(Diagnostic) {
    guard request.attention == .int8, request.runsPasses else { return }
    let attentions = graph.nodes.compactMap { node in
      if case .attention(let attention) = node.op { attention } else { nil }
    }
    guard !attentions.contains(where: \.isQuantized) else { return }
    throw Diagnostic(
      attentions.isEmpty
        ? "the model has no attention"
        : "no attention of the model can gain by 8-bit integers: each has fewer than 32 queries, "
          + "is causal, or its weights are an output",
      at: .argument("--attention"), hint: "compile without '--attention int8'")
  }

  /// The prefix of every symbol: as asked for, or from the output's file name without `lib` and
  /// extension, or from the model's name.
  private func symbolPrefix(_ model: Model) throws(Diagnostic) -> String {
    if let name = request.name {
      try ExportedSymbols.check(name: name)
      return name
    }
    guard let output = request.output, request.emission.artifact != nil else {
      return ExportedSymbols.name(from: model.configuration.name)
    }
    let file = output.split(separator: "/").last.map(String.init) ?? output
    let stem = file.split(separator: ".", omittingEmptySubsequences: false).first ?? ""
    let bare = stem.hasPrefix("lib") && stem.count > 3 ? stem.dropFirst(3) : stem
    return ExportedSymbols.name(from: String(bare))
  }
}
