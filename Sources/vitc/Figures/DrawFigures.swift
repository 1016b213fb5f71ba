import ArgumentParser
import Compiler
import Diagnostics
import Figures
import Files
import JSON
import Models

/// `vitc figures`: what a model looks at, as pictures and numbers.
struct DrawFigures: QuietCommand {
  static let configuration = CommandConfiguration(
    commandName: "figures",
    abstract: "Draws what is inside a model: filters, positions, attention, tokens.",
    usage: """
      vitc figures MODEL [PHOTO ...] --output FOLDER [--weights FILE] [--image-size N]
      vitc figures MODEL --input X.npy --output FOLDER [--weights FILE] [--image-size N]
      """,
    discussion: """
      The figures are those of the paper on ViT, and the tokens of each block as colours; without \
      photos only the first two, which the weights alone make. Instead of photos, --input takes \
      images that are preprocessed already. The folder gets pictures, the \
      numbers behind them (JSON and .npy), and index.html, which shows all with their definitions \
      and says why a model has no figure of a kind. Everything is computed in double precision on \
      the model as it is written; nothing is compiled but the preprocessing of photos.

        vitc figures path/to/dinov2-small photos --image-size 224 -o figures
        vitc figures vit_base_patch16_224 --weights model.safetensors -o figures
      """)

  @Argument(help: "The name of a variant, alone or with a tag, or a model folder.")
  var model: String

  @Argument(help: "PNG, JPEG or WebP files, or folders of them.")
  var photos: [String] = []

  @Option(
    name: .shortAndLong,
    help: "An .npy file with preprocessed images: [n, channels, height, width], or one without n.")
  var input: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder to make; it must not exist, or be empty.", valueName: "folder"))
  var output: String

  @Option(
    help: """
      A safetensors or PyTorch file, a folder with one, one of Google's .npz files, or \
      'seed:N' for pseudo-random weights.
      """)
  var weights: String?

  @Option(help: "The size of the images: N, or HxW. Position embeddings are resized.")
  var imageSize: String?

  @Option(help: "The number of classes, if the checkpoint's differs from the variant's.")
  var numClasses: Int?

  @Option(help: "'none' leaves out the classification head.")
  var head: String?

  @Option(
    help: "Whose arithmetic to follow: timm, jax or hf (default: that of the checkpoint's library)."
  )
  var numerics: NumericsConvention?

  @Option(
    help: ArgumentHelp(
      """
      Treat the tensors of the checkpoint that match as absent; '*' is any text, '?' any \
      character; may be repeated.
      """, valueName: "pattern"))
  var ignore: [String] = []

  @Option(help: "What rollout takes of the weights of the heads: mean or max.")
  var fusion = AttentionRollout.Fusion.mean

  @Flag(
    help: "Turn photos as their EXIF data says, which the libraries' transforms do not.")
  var orient = false

  @Flag(help: "Print what was drawn as JSON on standard output.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if let head, head != "none" {
      throw ValidationError("invalid value '\(head)' for --head, expected 'none'.")
    }
    if input != nil {
      if !photos.isEmpty { throw ValidationError("Give either --input or photos, not both.") }
      if orient { throw ValidationError("--orient requires photos.") }
    }
  }

  func run() throws {
    // Mistakes are reported before minutes of work.
    try NewFolder.check(path: output)
    if [".so", ".a", ".o"].contains(where: model.hasSuffix), Path.kind(of: model) == .other {
      throw Diagnostic(
        "is a compiled model, expected one that can be compiled", at: .file(model),
        hint: "name the variant or folder that it was compiled from; 'vitc run --overlay' draws "
          + "maps of compiled models")
    }
    let list = try PhotoList(photos)
    for warning in list.warnings { Console.tell(warning) }
    let line = ProgressLine("figures of \(PlainText.escaped(model))")
    defer { line.finish() }
    let model = try Model.load(
      model,
      options: ModelOptions(
        weights: weights,
        imageSize: try imageSize.map { (text) throws(Diagnostic) in try Compile.size(text) },
        classes: numClasses, dropsHead: head != nil, numerics: numerics, ignoredTensors: ignore))
    for warning in model.warnings { Console.tell(warning) }
    var studio = try FigureStudio(model, fusion: fusion)
    line.update("read photos")
    let inputs =
      if let input {
        try FigureInputs(array: input, model.configuration)
      } else {
        try FigureInputs(
          photos: list.paths, model.configuration, beside: output, orients: orient)
      }
    for (index, name) in inputs.names.enumerated() {
      line.update("run photos", fraction: Double(index) / Double(inputs.names.count))
      try studio.add(inputs.pixels[index].map(Double.init), named: name)
    }
    line.update("draw figures")
    let results = try studio.results()
    try FigureFolder(
      model: model.configuration.name, summary: model.configuration.summary, photos: inputs.names,
      results: results
    ).write(to: output)
    line.finish()
    for warning in model.checkpoint.warnings { Console.tell(warning) }
    if json { return try JSONValue.print(report(results)) }
    if !quietness.quiet { Console.write(summary(results)) }
  }

  /// What `--json` prints: the folder, the files of each figure, and why there is none of a kind.
  private func report(_ results: [FigureResult]) -> JSONValue {
    .object([
      "folder": .string(output),
      "figures": .array(
        results.map { result in
          switch result {
          case .figure(let figure):
            .object([
              "name": .string(figure.name),
              "pictures": .array(figure.pictures.map { .string($0.file) }),
            ])
          case .gap(let gap):
            .object(["name": .string(gap.name), "reason": .string(gap.reason)])
          }
        }),
    ])
  }

  private func summary(_ results: [FigureResult]) -> String {
    var table = TextTable([.left, .left])
    for result in results {
      switch result {
      case .figure(let figure):
        table.add([figure.name, figure.pictures.map(\.file).joined(separator: ", ")])
      case .gap(let gap): table.add([gap.name, "none: \(gap.reason)"])
      }
    }
    return table.text() + "\(PlainText.escaped(output))/index.html shows them\n"
  }
}

extension AttentionRollout.Fusion: ExpressibleByArgument {}
