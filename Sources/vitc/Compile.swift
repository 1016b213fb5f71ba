import ArgumentParser
import CWeightLoops
import Compiler
import Diagnostics
import Files
import IR
import JSON
import Models
import Packaging
import Passes

/// `vitc compile`: a model and its checkpoint to a native library.
struct Compile: QuietCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compiles a model and its checkpoint to a native library with a C header.",
    discussion: """
      MODEL is the name of a variant, the paper's or timm's ('vitc list' prints them), or a model \
      folder in the format of transformers or timm, as on the Hugging Face hub. NAME.TAG, as timm \
      names weights, brings the preprocessing, classes and labels of those. The library depends on \
      libc only.

        vitc compile vit_base_patch16_224 --weights model.safetensors -o libvit.so
        vitc compile path/to/dinov2-small --outputs features,tokens -o libdino.so
      """)

  @Argument(
    help: """
      The name of a variant, alone or with a tag, a model folder, or a file NAME.vit.json that \
      says one with its options.
      """)
  var model: String

  /// The file NAME.vit.json that the arguments are from.
  @Option(help: .hidden)
  var describedBy: String?

  @Option(
    help: """
      A safetensors or PyTorch file, a folder with one, one of Google's .npz files, or \
      'seed:N' for pseudo-random weights.
      """)
  var weights: String?

  @Option(
    name: .shortAndLong,
    help: "The file to write, such as libNAME.so; with --package the folder.")
  var output: String?

  @Option(help: "The prefix of every symbol (default: from the output's file name).")
  var name: String?

  @Option(
    help: ArgumentHelp(
      """
      Compile the text tower of a folder with two towers (CLIP, MetaCLIP 2, SigLIP, AIMv2, \
      OpenCLIP), which reads the tokens of texts: text.
      """, valueName: "tower"))
  var tower: TowerName?

  @Option(
    help: ArgumentHelp(
      """
      How many tokens a text has (default: as many as the text tower has positions for); fewer \
      where what follows end-of-text has no influence.
      """, valueName: "n"))
  var textLength: Int?

  @Option(
    help: ArgumentHelp(
      """
      The size of the images: N, or HxW, or several, separated by commas, for one library that \
      takes all of them. Position embeddings are resized. auto[:PATCHES][,aspect<=2][,sizes<=16] \
      has the sizes that photos become by a preprocessing that keeps their aspect (SigLIP 2 \
      NaFlex, DPT).
      """, valueName: "sizes"))
  var imageSize: String?

  @Option(help: "The number of classes, if the checkpoint's differs from the variant's.")
  var numClasses: Int?

  @OptionGroup var heads: HeadOptions

  @Option(
    help: "Whose arithmetic to follow: timm, jax or hf (default: that of the checkpoint's library)."
  )
  var numerics: NumericsConvention?

  @Option(
    help: """
      What makes scores of the logits: softmax, sigmoid or identity (default: as the model says).
      """)
  var scores: ScoreFunction?

  @Option(
    help: ArgumentHelp(
      """
      Treat the tensors of the checkpoint that match as absent; '*' is any text, '?' any \
      character; may be repeated.
      """, valueName: "pattern"))
  var ignore: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      The outputs, separated by commas: logits, features[:unit], pooled, pooler, tokens, \
      layers:2+5+8+11[:norm][:nchw][:prefix], attention:class[:all], attention:BLOCK, \
      attention:all, rollout, distance; each with :f16 for half precision. \
      'vitc list outputs MODEL' prints their shapes.
      """, valueName: "list"))
  var outputs: String?

  @Option(help: "What to write: library, static, object, llvm, asm or ir.")
  var emit = CompileRequest.Emission.library

  @Option(
    help: ArgumentHelp(
      """
      The instruction sets, separated by commas: names from 'vitc list targets', with features as \
      in v4+bf16+vnni; 'host' is the best one of this machine, 'portable' all those of its \
      architecture (default: portable; host for --emit llvm and asm).
      """, valueName: "list"))
  var target: String?

  @Flag(help: "Write the weights to a file beside the library instead of into it.")
  var weightsFile = false

  @Flag(help: "Keep the names of steps and kernels in the library, for perf, gdb and valgrind.")
  var symbols = false

  @Flag(
    help: """
      Write a folder with lib, include and what CMake (target NAME::NAME) and pkg-config read; it \
      may be moved.
      """)
  var package = false

  @Option(
    help: ArgumentHelp(
      "Write a rule for make and ninja that names the files read, so that these know when to "
        + "compile again.", valueName: "file"))
  var depfile: String?

  @Option(
    help: ArgumentHelp(
      "Write a Swift file with a type that loads the library from a package's resources, as the "
        + "build plugin CompileViT wants it.", valueName: "file"))
  var swift: String?

  @Option(
    help: ArgumentHelp(
      "Write a bill of materials, CycloneDX 1.6 in JSON: the files that were read with their "
        + "digests, the model's licence, the tools.", valueName: "file"))
  var sbom: String?

  @Flag(
    inversion: .prefixedNo,
    help: """
      Use Strassen's algorithm for matmuls and Winograd's for 3x3 convolutions where they \
      are faster; without them, errors are about two thirds as large.
      """)
  var fastMatmul = true

  @Option(
    help: """
      What matmuls multiply: f32, bf16 or int8. int8 applies to the linear layers of the \
      blocks, the other products are in bf16 then. Sums, norms, softmax and the residual stream \
      are always in f32.
      """)
  var precision = Precision.f32

  @Option(
    help: """
      What attentions multiply, if not what --precision gives: int8. It pays for long sequences, \
      from about 500 tokens; the error of --precision int8 grows by less than a tenth.
      """)
  var attention: AttentionPrecision?

  @Flag(
    inversion: .prefixedNo,
    help: """
      Run the library once and store the values that 'vitc selftest' and NAME_selftest compare \
      with.
      """)
  var selfTest = true

  /// What `--no-self-test` was called first.
  @Flag(help: .hidden)
  var noGolden = false

  @Flag(
    inversion: .prefixedNo,
    help: """
      Take code that was generated before from the cache, and keep it there ('vitc cache' shows \
      where); the library's bytes are the same with and without.
      """)
  var cache = true

  @Option(
    help: ArgumentHelp(
      """
      Compute an operation in bf16 or f32 instead; may be repeated. 'vitc inspect' lists the names.
      """, valueName: "op=precision"))
  var keep: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      A folder of photos, about 8: bf16 and int8 calibrate rounding on these photos. With --tower \
      text a file with a text a line, about 64 of the kind that will be read.
      """, valueName: "path"))
  var calibrate: String?

  @Option(
    help: ArgumentHelp(
      """
      The largest relative error on the photos, or the texts, such as 0.015: the layers that \
      contribute most to the error are computed in bf16 until the compiled model meets it. \
      Requires --calibrate and --precision int8.
      """, valueName: "error"))
  var maxError: Double?

  @OptionGroup var debugging: PassDebugging

  @Option(help: "Run no pass after this one; requires --emit ir.")
  var stopAfter: String?

  @Option(
    help: """
      The form of the graph to print: imported (as the model is written), fused or planned; \
      requires --emit ir.
      """)
  var form: Form?

  @Flag(help: "Print the summary as JSON on standard output.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if json, emit.artifact == nil, output == nil {
      throw ValidationError("--json requires --output with --emit \(emit.rawValue).")
    }
    if tower == nil {
      if textLength != nil { throw ValidationError("--text-length requires --tower text.") }
    } else {
      let others: [(String, Bool)] = [
        ("--image-size", imageSize != nil), ("--num-classes", numClasses != nil),
        ("--numerics", numerics != nil), ("--scores", scores != nil),
        ("--head", heads.head != nil), ("--head-file", heads.headFile != nil),
        ("--fit-head", heads.fitHead != nil),
      ]
      if let (option, _) = others.first(where: \.1) {
        throw ValidationError("\(option) cannot stand with --tower text, which reads no images.")
      }
    }
    if emit != .ir, stopAfter != nil || form != nil {
      throw ValidationError("--stop-after and --form require --emit ir.")
    }
    if let option = heads.headFile.map({ _ in "--head-file" })
      ?? heads.fitHead.map({ _ in "--fit-head" }) ?? heads.classes.map({ _ in "--classes" })
    {
      if numClasses != nil { throw ValidationError("--num-classes cannot stand with \(option).") }
      if option == "--fit-head", emit.artifact == nil {
        throw ValidationError(
          "--fit-head requires an output with weights, found --emit \(emit.rawValue).")
      }
    }
    if calibrate != nil, precision == .f32 {
      throw ValidationError("--calibrate requires --precision bf16 or int8.")
    }
    if let maxError {
      guard emit.artifact != nil else {
        throw ValidationError(
          "--max-error requires an output with weights, found --emit \(emit.rawValue).")
      }
      guard calibrate != nil, precision == .int8 else {
        throw ValidationError("--max-error requires --calibrate and --precision int8.")
      }
      guard maxError > 0 else {
        throw ValidationError("--max-error must be above 0, found \(maxError).")
      }
    }
    if stopAfter != nil, form != nil {
      throw ValidationError("--stop-after and --form cannot be combined.")
    }
    for (option, isGiven) in [
      ("--package", package), ("--depfile", depfile != nil), ("--sbom", sbom != nil),
    ] {
      guard !isGiven || emit.artifact != nil else {
        throw ValidationError(
          "\(option) requires --emit library, static or object, found \(emit.rawValue).")
      }
    }
    if swift != nil, emit != .library {
      throw ValidationError("--swift requires --emit library, found \(emit.rawValue).")
    }
  }

  func run() throws {
    cwl_keep_memory()
    let inputs =
      [model] + [describedBy, weights, calibrate].compactMap(\.self) + heads.inputs
    try Overwriting.check(output, inputs: inputs)
    try Overwriting.check(depfile, inputs: inputs)
    try Overwriting.check(swift, inputs: inputs)
    try Overwriting.check(sbom, inputs: inputs)
    if let output, !package { try OutputEnding.check(output, of: emit) }
    try debugging.check()
    let failures = DumpFailures()
    let request = try request(failures)
    let line = ProgressLine("compile \(PlainText.escaped(model))")
    defer { line.finish() }
    let report = try Compiler(request) { stage, fraction in
      line.update(stage, fraction: fraction > 0 ? fraction : nil)
    }.run()
    line.finish()
    try failures.check()
    for warning in report.warnings { Console.tell(warning) }
    if let fitted = report.headFit {
      for warning in fitted.warnings { Console.tell(Diagnostic(warning, severity: .warning)) }
      if let folder = heads.fitReport { try HeadPictures(fitted).write(to: folder) }
    }
    if debugging.timePasses { Console.write(Opt.text(report.passes)) }
    if let text = report.text {
      guard let output else { return print(text, terminator: "") }
      try AtomicFile.write(path: output, contents: Array(text.utf8))
      if json { try JSONValue.print(CompileJSON(report)) }
      return
    }
    if let depfile, let target = report.files.first {
      let photos = [request.headFit?.photos, request.headFit?.test].compactMap(\.self)
        .flatMap(\.photos).map(\.path)
      try DependencyRule(target: target, inputs: inputs + photos).write(to: depfile)
    }
    if let swift, let interface = report.interface, let library = report.files.first {
      let writer = SwiftFileWriter(interface, libraryFile: Path.name(of: library))
      try AtomicFile.write(path: swift, contents: Array(writer.text.utf8))
    }
    if let sbom { try BillOfMaterials(report)?.write(to: sbom) }
    if json { return try JSONValue.print(CompileJSON(report)) }
    if !quietness.quiet {
      Console.write(try CompileSummary(report).text())
      if let fitted = report.headFit { Console.write(try HeadReportText(fitted).text()) }
    }
  }

  private func request(_ failures: DumpFailures) throws(Diagnostic) -> CompileRequest {
    var request = CompileRequest(model: model)
    request.weights = weights
    request.tower = tower.map { _ in .text(length: textLength) }
    request.name = name
    if let imageSize { request.imageSizes = try ImageSizes(parsing: imageSize) }
    request.classes = numClasses
    request.wantsHead = heads.head == nil
    request.headFile = heads.headFile
    request.textClasses = try heads.textClasses(
      model, weights: weights, ignoredTensors: ignore, beside: output ?? defaultOutput ?? "")
    request.headFit = try heads.request()
    request.numerics = numerics
    request.scores = scores
    request.ignoredTensors = ignore
    if let outputs { request.outputs = try ModelOutput.list(outputs) }
    request.emission = emit
    // Text shows the code of one instruction set.
    request.target = target ?? (emit == .llvm || emit == .asm ? "host" : "portable")
    request.weightPlacement = weightsFile ? .file : .automatic
    request.output = output ?? defaultOutput
    request.isPackage = package
    request.usesFastMatmul = fastMatmul
    request.keepsSymbols = symbols
    request.store = cache ? ObjectCache.user() : nil
    request.precision = precision
    request.attention = attention.map { _ in .int8 }
    request.wantsSelfTest = selfTest && !noGolden
    request.precisionOverrides = try Self.precisionOverrides(keep)
    if let calibrate, tower != nil {
      let texts = try TextRun.texts([], file: calibrate).filter { !$0.isEmpty }
      guard !texts.isEmpty else { throw Diagnostic("there is no text", at: .file(calibrate)) }
      request.calibrationTexts = texts
    } else if let calibrate {
      let list = try PhotoList(folder: calibrate)
      for warning in list.warnings { Console.tell(warning) }
      request.calibration = list.paths
    }
    request.errorLimit = maxError
    request.options = recordedOptions
    request.textFiles = textFiles
    request.compilerCommit = Self.commit
    request.runsPasses = form != .imported
    request.passOptions = debugging.options(
      stopAfter: stopAfter ?? form.flatMap(Self.lastPass), failures: failures)
    return request
  }

  /// `libNAME.so`, or a package's folder `NAME`, in the working folder, NAME being the model's last
  /// path component.
  private var defaultOutput: String? {
    let stem = model.split(separator: "/").last.map(String.init) ?? model
    let prefix = String(stem.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    if package { return prefix }
    return switch emit {
    case .library: "lib\(prefix).so"
    case .static: "lib\(prefix).a"
    case .object: "\(prefix).o"
    case .llvm, .asm, .ir: nil
    }
  }

  /// The last pass that leaves a graph in `form`; none runs for the form that a model starts in.
  private static func lastPass(_ form: Form) -> String? {
    form == .imported ? nil : Pipeline.standard.last { $0.output == form }?.name
  }

  /// Height and width, of N or HxW.
  static func size(_ text: String) throws(Diagnostic) -> (height: Int, width: Int) {
    let size = try ImageSizes.size(text)
    return (size.height, size.width)
  }

  private static func precisionOverrides(_ list: [String]) throws(Diagnostic) -> [String: Precision]
  {
    var overrides: [String: Precision] = [:]
    for text in list {
      let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let precision = Precision(rawValue: parts[1]), precision != .int8
      else {
        throw Diagnostic(
          "invalid value '\(text)', expected OP=bf16 or OP=f32", at: .argument("--keep"),
          hint: "for example blocks.11.mlp.residual=bf16")
      }
      overrides[parts[0]] = precision
    }
    return overrides
  }
}
