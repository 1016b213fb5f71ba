import ArgumentParser
import Compiler
import Diagnostics
import Files
import IR
import Models
import Passes

/// `vitc compile`: a model and its checkpoint to a native library.
struct Compile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compiles a model and its checkpoint to a native library with a C header.",
    discussion: """
      MODEL is a variant's name, the paper's or timm's ('vitc list'), or a folder as the Hugging \
      Face hub has them: transformers' or timm's. The library stands by itself: it needs libc and \
      nothing else.

        vitc compile vit_base_patch16_224 --weights model.safetensors -o libvit.so
        vitc compile path/to/dinov2-small --outputs features,tokens -o libdino.so
      """)

  @Argument(help: "A variant's name, or a model folder.")
  var model: String

  @Option(
    help: """
      A safetensors or PyTorch file, a folder with one, one of Google's .npz files, or \
      'seed:N' for pseudo-random weights.
      """)
  var weights: String?

  @Option(name: .shortAndLong, help: "The file to write, such as libNAME.so.")
  var output: String?

  @Option(help: "The prefix of every symbol; by default from the output's file name.")
  var name: String?

  @Option(help: "Height and width of the images: N or HxW; position embeddings are resized.")
  var imageSize: String?

  @Option(help: "The number of classes, where the checkpoint's differs from the variant's.")
  var numClasses: Int?

  @Option(help: "'none' leaves the classification head out.")
  var head: String?

  @Option(
    help: "Whose arithmetic: timm, jax or hf; by default that of the checkpoint's family.")
  var numerics: NumericsConvention?

  @Option(help: "What the library returns: logits, features, tokens, with commas.")
  var outputs: String?

  @Option(help: "library, static, object, llvm, asm, or ir.")
  var emit = CompileRequest.Emission.library

  @Option(
    help: ArgumentHelp(
      "The instruction sets of the library, with commas: v2, v3, v4, neon ('vitc list targets'), "
        + "with features as in v4+bf16+vnni; "
        + "host for this machine's richest, or portable for all of its architecture (default: "
        + "portable; host for --emit llvm and asm).", valueName: "list"))
  var target: String?

  @Flag(help: "Puts the weights into a file beside the product instead of into it.")
  var weightsFile = false

  @Flag(
    inversion: .prefixedNo,
    help: """
      Strassen's algorithm for products and Winograd's for 3x3 convolutions, where they are \
      faster; without them errors are about two thirds as large.
      """)
  var fastMatmul = true

  @Option(
    help: """
      f32, bf16 or int8: what contractions and attentions multiply. int8 is for the linear layers \
      of the blocks, the rest is bf16 then. Sums, norms, softmax and the residual stream are \
      always f32.
      """)
  var precision = Precision.f32

  @Flag(
    inversion: .prefixedNo,
    help: """
      Runs the library once, for the golden values that 'vitc selftest' and NAME_selftest \
      compare with.
      """)
  var golden = true

  @Option(
    help: ArgumentHelp(
      "Keeps an operation in bf16 or f32; may be repeated. 'vitc inspect' has the names.",
      valueName: "op=precision"))
  var keep: [String] = []

  @Option(
    help: ArgumentHelp(
      "A folder of photos, 8 or so: bf16 and int8 are rounded as these want it.",
      valueName: "folder"))
  var calibrate: String?

  @Option(
    help: ArgumentHelp(
      """
      The largest error on the photos, relative, such as 0.015: the worst layers are kept in bf16 \
      until the compiled model is that good. With --calibrate and --precision int8.
      """, valueName: "error"))
  var maxError: Double?

  @OptionGroup var debugging: PassDebugging

  @Option(help: "Runs no pass after this one; with --emit ir.")
  var stopAfter: String?

  @Option(
    help: "The form of the graph to print: imported (as the model says it), fused or planned.")
  var form: Form?

  @Flag(name: .shortAndLong, help: "Says nothing but warnings and errors.")
  var quiet = false

  func validate() throws {
    if emit != .ir, stopAfter != nil || form != nil {
      throw ValidationError("--stop-after and --form go with --emit ir.")
    }
    if let head, head != "none" {
      throw ValidationError("--head takes 'none', found '\(head)'.")
    }
    if calibrate != nil, precision == .f32 {
      throw ValidationError("--calibrate goes with --precision bf16 or int8.")
    }
    if let maxError {
      guard emit.product != nil else {
        throw ValidationError(
          "--max-error goes with what holds weights, not with --emit \(emit.rawValue).")
      }
      guard calibrate != nil, precision == .int8 else {
        throw ValidationError("--max-error goes with --calibrate and --precision int8.")
      }
      guard maxError > 0 else {
        throw ValidationError("--max-error must be above 0, found \(maxError).")
      }
    }
    if let stopAfter, form != nil {
      throw ValidationError("--stop-after \(stopAfter) and --form exclude each other.")
    }
  }

  func run() throws {
    let failures = DumpFailures()
    let request = try request(failures)
    let line = ProgressLine("compile \(model)")
    defer { line.finish() }
    let report = try Compiler(request) { phase, fraction in
      line.update(phase, fraction: fraction > 0 ? fraction : nil)
    }.run()
    line.finish()
    try failures.check()
    for warning in report.warnings { Console.tell(warning) }
    if debugging.timePasses { Console.write(Opt.text(report.passes)) }
    if let text = report.text {
      guard let output else { return print(text, terminator: "") }
      return try AtomicFile.write(path: output, contents: Array(text.utf8))
    }
    if !quiet { Console.write(CompileSummary(report).text) }
  }

  private func request(_ failures: DumpFailures) throws(Diagnostic) -> CompileRequest {
    var request = CompileRequest(model: model)
    request.weights = weights
    request.name = name
    request.imageSize = try imageSize.map { (text) throws(Diagnostic) in try Self.size(text) }
    request.classes = numClasses
    request.wantsHead = head == nil
    request.numerics = numerics
    request.outputs = try Self.outputs(outputs)
    request.emission = emit
    // Text shows the code of one instruction set.
    request.target = target ?? (emit == .llvm || emit == .asm ? "host" : "portable")
    request.weightPlacement = weightsFile ? .file : .automatic
    request.output = output ?? defaultOutput
    request.usesFastMatmul = fastMatmul
    request.precision = precision
    request.wantsGolden = golden
    request.kept = try Self.kept(keep)
    if let calibrate { request.calibration = try PhotoList.photos(in: calibrate) }
    request.errorLimit = maxError
    request.runsPasses = form != .imported
    request.passOptions = debugging.options(
      stopAfter: stopAfter ?? form.flatMap(Self.lastPass), failures: failures)
    return request
  }

  /// `libNAME.so` in the working folder, NAME being the model's last path component.
  private var defaultOutput: String? {
    let stem = model.split(separator: "/").last.map(String.init) ?? model
    let prefix = String(stem.map { $0.isLetter || $0.isNumber ? $0 : "_" })
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

  private static func size(_ text: String) throws(Diagnostic) -> (height: Int, width: Int) {
    let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count, (1...2).contains(numbers.count) else {
      throw Diagnostic(
        "'\(text)' is no image size", at: .argument("--image-size"),
        hint: "give one number, or height and width as in 384x224")
    }
    return (numbers[0], numbers[numbers.count - 1])
  }

  private static func kept(_ list: [String]) throws(Diagnostic) -> [String: Precision] {
    var kept: [String: Precision] = [:]
    for text in list {
      let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, let precision = Precision(rawValue: parts[1]), precision != .int8
      else {
        throw Diagnostic(
          "'\(text)' keeps nothing", at: .argument("--keep"),
          hint: "give a name and bf16 or f32, as in blocks.11.mlp.residual=bf16")
      }
      kept[parts[0]] = precision
    }
    return kept
  }

  private static func outputs(_ list: String?) throws(Diagnostic) -> [ModelOutput] {
    var outputs: [ModelOutput] = []
    for word in list?.split(separator: ",") ?? [] {
      guard let output = ModelOutput(rawValue: String(word)) else {
        let known = ModelOutput.allCases.map(\.rawValue)
        throw Diagnostic(
          "unknown output '\(word)', expected one of \(known.joined(separator: ", "))",
          at: .argument("--outputs"), hint: Suggestion.hint(for: String(word), in: known))
      }
      guard !outputs.contains(output) else {
        throw Diagnostic("output '\(word)' is named twice", at: .argument("--outputs"))
      }
      outputs.append(output)
    }
    return outputs
  }
}

extension CompileRequest.Emission: ExpressibleByArgument {}
extension Form: ExpressibleByArgument {}
extension NumericsConvention: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
