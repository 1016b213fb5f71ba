import ArgumentParser
import Diagnostics
import IR
import VitRuntime

/// `vitc run`: arrays in and out, or photos in and labels out.
struct Run: QuietCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a compiled model on an array or on photos.",
    usage: """
      vitc run LIBRARY --input X.npy --output Y.npy [--threads N]
      vitc run LIBRARY --ids IDS.npy --output Y.npy [--threads N]
      vitc run LIBRARY --text TEXT ... [--texts FILE] [--output Y.npy] [--json] [--threads N]
      vitc run LIBRARY PHOTO ... [--top K] [--labels FILE] [--json] [--orient] [--threads N] \
      [--overlay FOLDER]
      """,
    discussion: """
      The array of --input is [n, channels, height, width], or one image without n, already \
      preprocessed; outputs are [n, ...] in f32. Of a model for several sizes \
      its shape says which. Photos are PNG, JPEG or WebP files, or folders, which are searched \
      with all folders below them but hidden ones; the model preprocesses them as its checkpoint \
      says. Of a model without classes the \
      values are printed. The exit code is 1 if one of the \
      photos cannot be read; the others are answered.

      The library of a text tower (compiled with --tower text) takes texts, by the tokenizer \
      inside: their vectors are printed, or written with --output.

      --overlay draws for each photo what the model was given, the map of where it looked, and the \
      product of both: of a library compiled with --outputs logits,rollout or \
      logits,attention:class, of which the mean over heads is drawn. Maps are scaled by their 99th \
      percentile and cut off there.
      """)

  @Argument(help: "The compiled model.")
  var library: String

  @Argument(help: "PNG, JPEG or WebP files, or folders of them.")
  var photos: [String] = []

  @Option(name: .shortAndLong, help: "An .npy file with the images.")
  var input: String?

  @Option(help: "An .npy file with the tokens of texts, for the library of a text tower.")
  var ids: String?

  @Option(help: "A text, for the library of a text tower; may be repeated.")
  var text: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with a text a line, for the library of a text tower; - for standard input.",
      valueName: "file"))
  var texts: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file for an output: FILE, or NAME=FILE for the output NAME; may be repeated.",
      valueName: "[name=]file"))
  var output: [String] = []

  @Option(help: "The output that a FILE of --output gets (default: the model's first).")
  var outputName: String?

  @Option(
    help: ArgumentHelp(
      """
      The size that photos are made to, of a model for several (default: what its own \
      preprocessing makes of them).
      """, valueName: "hxw"))
  var size: String?

  @Option(help: "The number of labels to print for each photo.")
  var top: Int?

  @Option(help: "A file with the names of the classes: JSON, or one name per line.")
  var labels: String?

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Flag(
    help: "Turn photos as their EXIF data says, which the libraries' transforms do not.")
  var orient = false

  @Option(
    help: ArgumentHelp(
      "The folder to make for pictures of where the model looked; it must not exist, or be empty.",
      valueName: "folder"))
  var overlay: String?

  @Flag(help: "Print predictions as JSON; of an array, what was written.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
    if let top, top < 1 { throw ValidationError("--top must be 1 or more, found \(top).") }
    if ids != nil, input != nil { throw ValidationError("Give either --input or --ids.") }
    if hasTexts {
      guard input == nil, ids == nil, photos.isEmpty else {
        throw ValidationError("Give either texts, or --ids, --input or photos.")
      }
      if top != nil || labels != nil || orient || overlay != nil {
        throw ValidationError("--top, --labels, --orient and --overlay require photos.")
      }
      if output.isEmpty, outputName != nil {
        throw ValidationError("--output-name requires --output.")
      }
      return
    }
    switch (input ?? ids, photos.isEmpty) {
    case (nil, true): throw ValidationError("Give photos, --input, or --text or --ids.")
    case (_?, false): throw ValidationError("Give either --input or photos, not both.")
    case (_?, true):
      if output.isEmpty { throw ValidationError("--input requires --output.") }
      if size != nil {
        throw ValidationError("--size requires photos; the shape of an array says its size.")
      }
      if top != nil || labels != nil || orient || overlay != nil {
        throw ValidationError("--top, --labels, --orient and --overlay require photos.")
      }
    case (nil, false):
      if !output.isEmpty || outputName != nil {
        throw ValidationError(
          "--output and --output-name require --input; 'vitc embed' writes outputs of photos.")
      }
    }
  }

  private var hasTexts: Bool { !text.isEmpty || texts != nil }

  /// Runs the texts of `--text` and `--texts`.
  private func runTexts() throws {
    let run = try TextRun(model: try CompiledModel(library, threads: threads))
    let all = try TextRun.texts(text, file: texts)
    if output.isEmpty { return try run.print(all, isJSON: json) }
    let arrays = try ArrayRun(model: run.model, outputs: output, defaultName: outputName)
    try arrays.write(
      run.ids(all).map { Float($0) }, ImageBatch(count: all.count, size: 0),
      inputs: [texts].compactMap(\.self).filter { $0 != "-" }, isJSON: json)
  }

  func run() throws {
    if hasTexts { return try runTexts() }
    if let input = input ?? ids {
      let model = try CompiledModel(library, threads: threads)
      if let ids, !model.description.input.holdsTokens {
        throw Diagnostic(
          "the model reads images, not tokens", at: .file(library),
          hint: "give '\(ids)' to the library of a text tower, compiled with --tower text")
      }
      return try ArrayRun(model: model, outputs: output, defaultName: outputName).run(
        input, isJSON: json)
    }
    // What is wrong with the library is said first.
    let count = (try? PhotoList(photos))?.paths.count ?? 1
    let model = try PhotoLibrary(
      library, threads: threads, photos: count, orients: orient, keepsInputs: overlay != nil,
      size: size)
    let list = try PhotoList(photos)
    let overlays = try overlay.map { (folder) throws(Diagnostic) in
      try PhotoOverlays(model.model, folder: folder, photos: list.paths.count)
    }
    if model.model.hasClasses || top != nil || labels != nil {
      try PhotoRun(model: model, top: top, labelFile: labels, isJSON: json).run(
        list, overlays: overlays)
    } else {
      try ValueRun(model: model, isJSON: json).run(list, overlays: overlays)
    }
  }
}
