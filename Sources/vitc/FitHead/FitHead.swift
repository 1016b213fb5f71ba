import ArgumentParser
import Compiler
import Diagnostics
import Files
import FoundationEssentials
import JSON
import Models
import Passes
import Photos

/// `vitc fit-head`: a classifier from a folder of photos for each class.
struct FitHead: QuietCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit-head",
    abstract: "Fits a classification head to a folder of photos for each class.",
    discussion: """
      FOLDER has a folder for each class, whose name is the class's. The features are those of a \
      compiled library, or of MODEL, compiled for the purpose. They are standardized, and \
      regularized least squares onto -1 and 1 are fitted, as in the ViT paper's few-shot figures, \
      with the strength that has the fewest leave-one-out errors; the scores are scaled so that \
      their softmax is right as often as it says. 'vitc compile MODEL --head-file' takes the file; \
      'vitc compile MODEL --fit-head FOLDER' does both.

        vitc fit-head libdino.so photos -o head.safetensors
        vitc fit-head path/to/dinov2-small photos -o head.safetensors --test other-photos
      """)

  @Argument(help: "A compiled model with the output 'features', or a model as for 'vitc compile'.")
  var model: String

  @Argument(help: "A folder with a folder of photos for each class.")
  var folder: String

  @Option(name: .shortAndLong, help: "The safetensors file to write (default: none).")
  var output: String?

  @Option(
    help: ArgumentHelp(
      "What the head reads: class (the output 'features'), mean (of the patches) or class+mean.",
      valueName: "kind"))
  var features: SuppliedHead.Features?

  @Option(help: "How many photos of each class to take (default: all).")
  var shots: Int?

  @Option(help: "What draws the photos of --shots.")
  var seed: UInt64?

  @Option(
    name: .customLong("l2"),
    help: "The strength of the regularization; 1024 is the paper's (default: by leave-one-out).")
  var l2: Double?

  @Option(
    help: ArgumentHelp(
      "A folder like FOLDER, of photos to try the head on.", valueName: "folder"))
  var test: String?

  @Option(
    help: ArgumentHelp(
      "A folder for report.json, confusion.svg and reliability.svg.", valueName: "folder"))
  var report: String?

  @Option(help: "Of MODEL, its weights, as for 'vitc compile'.")
  var weights: String?

  @Option(help: "Of MODEL, the size of the images: N, or HxW.")
  var imageSize: String?

  @Option(help: "Of MODEL, whose arithmetic to follow: timm, jax or hf.")
  var numerics: NumericsConvention?

  @Option(help: "Of MODEL, what matmuls multiply: f32, bf16 or int8 (default: f32).")
  var precision: Precision?

  @Option(help: "The number of threads of a compiled model; 0 for all processors.")
  var threads = 0

  @Flag(help: "Print the report as JSON.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
    try HeadOptions.check(shots: shots, seed: seed, l2: l2, prefix: "--")
  }

  func run() throws {
    if let output { try OutputEnding.check(output, ["safetensors"]) }
    try Overwriting.check(output, inputs: [model, folder] + [test, weights].compactMap(\.self))
    let request = try HeadOptions.request(
      folder, shots: shots, seed: seed, l2: l2, reads: features, test: test)
    let line = ProgressLine("fit head")
    defer { line.finish() }
    var metadata: [String: String] = ["model": model]
    let (head, found) =
      if RegularFile.size(model) != nil {
        try fit(request, line, &metadata)
      } else {
        try compileAndFit(request, line)
      }
    line.finish()
    metadata["l2"] = "\(found.l2)"
    metadata["temperature"] = "\(found.temperature)"
    if let output { try HeadFile.write(head, metadata: metadata, to: output) }
    if let report { try HeadPictures(found).write(to: report) }
    for warning in found.warnings { Console.tell(Diagnostic(warning, severity: .warning)) }
    if json {
      try JSONValue.print(found)
    } else if !quietness.quiet {
      print(try HeadReportText(found).text(), terminator: "")
    }
    if let output, !json, !quietness.quiet { Console.tell("wrote    \(PlainText.escaped(output))") }
  }

  /// Fits to what a compiled library gives.
  private func fit(
    _ request: HeadFitRequest, _ line: ProgressLine, _ metadata: inout [String: String]
  ) throws(Diagnostic) -> (SuppliedHead, HeadReport) {
    for (option, isGiven) in [
      ("--weights", weights != nil), ("--image-size", imageSize != nil),
      ("--numerics", numerics != nil), ("--precision", precision != nil),
    ] where isGiven {
      throw Diagnostic(
        "\(option) is for models that are compiled first, '\(model)' is a file",
        at: .argument(option))
    }
    try HeadFit.check(request)
    let library = try PhotoLibrary(model, threads: threads)
    metadata["model"] = library.model.description.model
    metadata["weights"] = library.model.description.weightsHash
    let source = try FeatureSource(library.model, request.reads)
    return try HeadFit(request, library.photos, outputs: source.outputs, row: source.row)
      .run { line.update($0, fraction: $1 > 0 ? $1 : nil) }
  }

  /// Compiles the model for the purpose.
  private func compileAndFit(
    _ request: HeadFitRequest, _ line: ProgressLine
  ) throws(Diagnostic) -> (SuppliedHead, HeadReport) {
    var compilation = CompileRequest(model: model)
    compilation.weights = weights
    compilation.imageSize = try imageSize.map { (text) throws(Diagnostic) in
      try Compile.size(text)
    }
    compilation.numerics = numerics
    compilation.precision = precision ?? .f32
    // Unfinished files stand beside what is written.
    compilation.output = output ?? FileManager.default.temporaryDirectory.path + "/head"
    let result = try Compiler(compilation) { stage, fraction in
      line.update(stage, fraction: fraction > 0 ? fraction : nil)
    }.fitHead(request)
    for note in result.notes where !quietness.quiet {
      Console.tell("note     \(PlainText.escaped(note))")
    }
    return (result.head, result.report)
  }
}
