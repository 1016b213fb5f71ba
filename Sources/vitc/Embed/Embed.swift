import ArgumentParser
import Diagnostics
import Files
import Photos

/// `vitc embed`: the outputs of a model for all photos of folders.
struct Embed: QuietCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs photos of folders through a compiled model and writes its outputs.",
    usage: """
      vitc embed LIBRARY FOLDER ... -o features.npy [--resume] [--threads N]
      vitc embed LIBRARY FOLDER ... -o NAME=FILE ... [--list FILE]
      vitc embed LIBRARY FOLDER ... --jsonl
      """,
    discussion: """
      Folders are searched with all folders below them for PNG, JPEG and WebP files; row i of the \
      array is the photo of line i of FILE.paths.txt. Each thread decodes, resizes and runs a \
      photo of its own. FILE.npy has one output (the first, or NAME), FILE.npz all outputs and the \
      paths, FILE.jsonl an object a line. Rows go to FILE.partial, and the file gets its name at \
      the end: what an interrupted job has done is kept, and --resume goes on with it. Photos \
      that cannot be read are left out and counted by reason, and so is what is hidden; the exit \
      code is 1 if none can be read. Memory does not depend on the number of photos: the paths of \
      many go to an unnamed file beside the output, or else in TMPDIR.
      """)

  @Argument(help: "The compiled model.")
  var library: String

  @Argument(help: "Folders, or PNG, JPEG and WebP files.")
  var photos: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      """
      The file for an output: FILE.npy, FILE.npz or FILE.jsonl, or NAME=FILE for the output NAME; \
      may be repeated (default: lines of JSON on standard output).
      """, valueName: "[name=]file"))
  var output: [String] = []

  @Flag(help: "Write an object of JSON on a line for each photo, whatever the file's name.")
  var jsonl = false

  @Option(
    help: ArgumentHelp(
      "A file with the paths of photos, one a line, to embed as well; - for standard input.",
      valueName: "file"))
  var list: String?

  @Flag(help: "Go on with what an interrupted job has left, if it has left something.")
  var resume = false

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Flag(
    help: "Turn photos as their EXIF data says, which the libraries' transforms do not.")
  var orient = false

  @Flag(help: "Print the summary as JSON on standard output; requires --output.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
    if photos.isEmpty, list == nil { throw ValidationError("Give folders or photos, or --list.") }
    if json, output.isEmpty { throw ValidationError("--json requires --output.") }
    if output.isEmpty, !jsonl { throw ValidationError("Give --output or --jsonl.") }
  }

  func run() throws {
    let paths = output.map { ArrayRun.parts($0).path }
    for path in paths {
      try Overwriting.check(path, inputs: [library] + (list.map { [$0] } ?? []))
      _ = try RowTarget.form(of: path, isLines: jsonl)
    }
    let space = ScratchSpace(beside: paths.first)
    let line = ProgressLine("looking for photos")
    defer { line.finish() }
    let names = try EmbedPhotos(
      photos, list: list, space, skipped: SkippedFiles(keptIn: json ? space : nil), line)
    line.finish()
    let model = try PhotoLibrary(
      library, threads: threads, photos: names.photos.count, orients: orient)
    let targets = try RowTarget.read(output, isLines: jsonl, of: model.model)
    let job = try EmbedJob(
      model.model, targets, orients: orient, resumes: resume, space, skipped: names.skipped)
    try EmbedRun(model: model, names: names, job: job, isQuiet: quietness.quiet, isJSON: json).run(
      outputs: Set(targets.flatMap(\.tensors).map(\.name)).sorted(), targets: targets)
  }
}
