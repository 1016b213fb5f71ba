import Calibration
import Codegen
import Diagnostics
import Evaluation
import IR
import Models
import Packaging
import Passes

/// The way from one planned graph and its weights to a library, an archive or an object: the only
/// one, for `vitc compile`, the trials of a calibration, the runs that give self-test values, and
/// the tests.
public struct Build {
  /// What was made.
  public struct Result {
    /// The files written, the artifact first.
    public var files: [String]
    /// What its users are told about it.
    public var interface: ModelInterface
    /// The stages of the work, in order.
    public var stages: [CompileReport.Stage]
    /// The number of parallel steps of one run of the first size.
    public var steps: Int
    /// The size of the generated code, as an object file.
    public var objectBytes: Int
    /// Why there are no self-test values; `nil` if there are.
    public var missingSelfTest: String?
  }

  /// The planned graph, of a model for several sizes that of the first.
  public let graph: Graph
  /// The instruction sets, of one architecture, from the baseline to the best.
  public let targets: [Target]
  /// What the model says about itself.
  ///
  /// The hash of the weights and the name of their file are filled in.
  public var program: ProgramInfo
  /// What is made.
  public var kind = Artifact.Kind.library
  /// Where the weights go.
  public var placement: Artifact.Placement
  /// Where the files are.
  public var arrangement = Artifact.Arrangement.beside
  /// `true` iff the artifact, or the same code in a library for this machine, is run once for the
  /// values that its self-test compares with.
  public var wantsSelfTest = false
  /// For the header: what makes scores of the logits; `nil` where there are none.
  public var scores: ScoreFunction?
  /// For the header: `true` iff the logits are an embedding.
  public var logitsAreEmbedding = false
  /// For the header: whose arithmetic the model follows; `nil` if nothing is known.
  public var numerics: String?
  /// For the header: how an RGB image becomes the input; `nil` if the model does not say.
  public var preprocessing: String?
  /// For the header: the class of the tokenizer that the program holds.
  public var tokenizer: String?
  /// `true` iff a library keeps the names of steps and kernels, for profilers and debuggers.
  public var keepsSymbols = false
  /// Has code that was generated before; `nil`: everything is generated.
  public var store: (any ObjectStore)?
  /// Sees the weights of the first size's layers as they are packed; `nil`: nobody does.
  public var estimate: RunningEstimate?
  /// Tensors that no constant needs and that are read all the same: reading finds damage.
  public var alsoRead: [String] = []
  private let weights: Evaluator.WeightReader
  /// The weights of all sizes.
  private var shared = SharedWeights()
  /// What is packed of each size: what none before has.
  private var packed: [(graph: Graph, values: Set<Value>)] = []

  /// Describes a build with every choice at its default.
  ///
  /// - Parameters:
  ///   - name: the prefix of every symbol.
  ///   - model: the variant.
  ///   - weights: reads a tensor of the checkpoint, from any thread.
  public init(
    _ graph: Graph, for targets: [Target], name: String, model: String,
    weights: @escaping Evaluator.WeightReader
  ) {
    let (placed, added) = shared.place(graph)
    packed = [(placed, added)]
    self.graph = placed
    self.targets = targets
    self.weights = weights
    program = ProgramInfo(
      name: name, model: model, compilerVersion: Version.current,
      weightsBytes: graph.weightsBytes, arenaBytes: graph.arenaBytes)
    placement = .automatic(weightsBytes: graph.weightsBytes)
  }

  /// Adds a size of images, which is run by a program of its own over the same weights.
  ///
  /// Constants that another size has too are stored once.
  ///
  /// - Throws: a graph that the verifier refuses.
  public mutating func add(_ size: ProgramSize) throws(Diagnostic) {
    var size = size
    let (placed, added) = shared.place(size.graph)
    try Verifier.verify(placed)
    size.graph = placed
    packed.append((placed, added))
    program.furtherSizes.append(size)
    program.weightsBytes = shared.bytes
    if placement != .file { placement = .automatic(weightsBytes: shared.bytes) }
  }

  /// Generates the code, for each target its object or its text.
  public func code(
    as form: CodeGenerator.Artifact = .object
  ) throws(Diagnostic) -> CodeGenerator.Output {
    var program = program
    program.facts = try RecordedFacts(program, graph, targets).text()
    return try CodeGenerator.generate(graph, for: targets, program: program, as: form, store: store)
  }

  /// The packed weights, in memory: for code that is run without the runtime.
  public func packedWeights() throws(Diagnostic) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: program.weightsBytes)
    // withUnsafeMutableBytes does not carry the error's type.
    let result = bytes.withUnsafeMutableBytes { bytes -> Swift.Result<Void, Diagnostic> in
      // Places do not overlap, so threads write apart.
      nonisolated(unsafe) let bytes = bytes
      return Swift.Result { () throws(Diagnostic) in
        try pack { part, offset in
          UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: part)
        }
      }
    }
    try result.get()
    return bytes
  }

  /// Writes the constants of all sizes, each once.
  private func pack(
    progress: @escaping @Sendable (Int) -> Void = { _ in },
    write: @escaping @Sendable (UnsafeRawBufferPointer, Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    var before = 0
    for (number, (graph, values)) in packed.enumerated() {
      let start = before
      try WeightPacker(
        graph, only: values, weights: weights, estimate: number == 0 ? estimate : nil
      )
      .pack(progress: { progress(start + $0) }, write: write)
      before += values.reduce(0) { $0 + graph[$1].type.sizeBytes }
    }
  }

  /// Makes the artifact with its header, its module map and, where they are apart, its weights.
  ///
  /// - Parameters:
  ///   - output: the path of the artifact; its folder must exist.
  ///   - progress: hears what is being done; from any thread.
  /// - Throws: whatever is wrong with the weights or the output; nothing is left there then.
  public func write(
    to output: String, progress: @escaping Compiler.Progress = { _, _ in }
  ) throws(Diagnostic) -> Result {
    var watch = Stopwatch()
    let artifact = try start(output, progress)
    var build = self
    build.seal(artifact)
    watch.lap("pack weights")

    var selfTest = SelfTestRun(
      isWanted: wantsSelfTest, kind: kind, targets: targets, tokens: graph.tokens)
    if selfTest.needsRehearsal {
      progress("compute self-test values", 0)
      build.program.selfTestValues = try build.rehearse(artifact, &selfTest)
      watch.lap("self-test values")
    }

    progress("generate code", 0)
    let code = try build.code()
    watch.lap("generate code")

    progress("link", 0)
    let hash = artifact.sealWeights()
    let interface = build.interface(hash)
    let files = try artifact.finish(
      objects: code.modules, interface: interface
    ) { library, weights in
      guard selfTest.runsArtifact else { return nil }
      watch.lap("link")
      progress("compute self-test values", 0)
      return selfTest.values(of: library, weights: weights)
    }
    watch.lap(selfTest.ran && selfTest.runsArtifact ? "self-test values" : "link")
    return Result(
      files: files, interface: interface, stages: watch.stages, steps: code.steps.count,
      objectBytes: code.modules.reduce(0) { $0 + $1.count }, missingSelfTest: selfTest.reason)
  }

  /// Makes a library, lets `body` use it, and leaves no trace of it.
  ///
  /// - Parameters:
  ///   - output: a path; unfinished files are put beside it.
  ///   - body: gets the paths of the library and, where they are apart, of its weights.
  public func tryOut<R>(
    beside output: String,
    _ body: (_ library: String, _ weights: String?) throws(Diagnostic) -> R
  ) throws(Diagnostic) -> R {
    let artifact = try start(output) { _, _ in }
    var build = self
    build.seal(artifact)
    return try artifact.tryOut(objects: build.code().modules, body)
  }

  /// Starts the artifact and packs the weights into it.
  private func start(
    _ output: String, _ progress: @escaping Compiler.Progress
  ) throws(Diagnostic) -> Artifact {
    guard let architecture = targets.first.flatMap({ Architecture(triple: $0.triple) }) else {
      throw Diagnostic(
        "vitc has no runtime for '\(targets.first?.triple ?? "no target")'",
        at: .argument("--target"))
    }
    let artifact = try Artifact(
      output: output, name: program.name, kind: kind, architecture: architecture,
      placement: placement, weightsBytes: program.weightsBytes, arrangement: arrangement)
    artifact.readsTokens = graph.tokens != nil
    artifact.hasTokenizer = !program.tokenizer.isEmpty
    artifact.hasSizes = !program.furtherSizes.isEmpty
    artifact.keepsSymbols = keepsSymbols
    let total = Double(max(1, program.weightsBytes))
    // Places do not overlap, so threads write apart.
    nonisolated(unsafe) let written = artifact
    try pack(
      progress: { progress("pack weights", Double($0) / total) },
      write: { (bytes, offset) throws(Diagnostic) in try written.writeWeights(bytes, at: offset) })
    for name in alsoRead { _ = try weights(name) }
    return artifact
  }

  /// Ends the writing of weights, and makes their hash and place known to the program.
  private mutating func seal(_ artifact: Artifact) {
    let hash = artifact.sealWeights()
    program.weightsHashLow = hash.low
    program.weightsHashHigh = hash.high
    program.weightsFileName = artifact.weightsFileName
  }

  /// Compiles the program for this machine as well and runs it, for the self-test values of an
  /// artifact that cannot be run here as it is; none where the run fails.
  private func rehearse(
    _ artifact: Artifact, _ selfTest: inout SelfTestRun
  ) throws(Diagnostic) -> [[Float]] {
    var program = program
    program.weightsFileName = program.weightsFileName ?? "\(program.name).weights"
    let code = try CodeGenerator.generate(
      graph, for: [selfTest.target], program: program, store: store)
    let values = try artifact.rehearse(objects: code.modules) { library, weights in
      selfTest.values(of: library, weights: weights)
    }
    return (values ?? []).map(\.record)
  }

  private func interface(_ hash: WeightHash) -> ModelInterface {
    var interface = ModelInterface(
      name: program.name, model: program.model, compilerVersion: program.compilerVersion,
      target: Target.summary(targets), weightsHash: hash, weightsBytes: program.weightsBytes,
      weightsFileName: program.weightsFileName, image: graph.imageShape,
      outputs: graph.interfaceOutputs,
      parameters: program.parameters, flops: program.flops, arenaBytes: program.arenaBytes,
      scores: scores.map {
        .init(
          function: $0.rawValue,
          formula: logitsAreEmbedding
            ? "none, they are a projection: an embedding, not scores of classes" : $0.formula)
      }, numerics: numerics,
      precision: graph.precisionSummary, preprocessing: preprocessing, tokens: graph.tokens?.limit,
      furtherSizes: program.furtherSizes.map { size in
        ModelInterface.Size(
          image: size.graph.imageShape, outputs: size.graph.interfaceOutputs, flops: size.flops,
          arenaBytes: size.arenaBytes)
      })
    interface.tokenizer = tokenizer
    return interface
  }
}

extension Graph {
  /// What users are told of its outputs.
  fileprivate var interfaceOutputs: [ModelInterface.Tensor] {
    outputs.map {
      ModelInterface.Tensor(
        name: $0.name, shape: self[$0.value].type.shape, isHalf: self[$0.value].type.element == .f16
      )
    }
  }

  /// The shape of one image; empty where the graph has no input.
  var imageShape: [Int] {
    for node in nodes {
      if case .input = node.op { return node.type.shape }
    }
    return []
  }
}
