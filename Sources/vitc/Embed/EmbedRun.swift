import Diagnostics
import JSON
import Photos

/// The work of `vitc embed`.
struct EmbedRun {
  /// The model.
  let model: PhotoLibrary
  /// The photos.
  let names: PhotoNames
  /// The files.
  let job: EmbedJob
  /// Whether nothing is said of success.
  let isQuiet: Bool
  /// Whether the summary is printed as JSON.
  let isJSON: Bool

  /// Runs all photos that have no row yet.
  ///
  /// Errors: no photo gives a row; a file cannot be written.
  func run(outputs: [String], targets: [RowTarget]) throws(Diagnostic) {
    try model.model.checkShapes(of: outputs)
    for warning in names.warnings { Console.tell(warning) }
    let done = Set(job.photos).union(job.skipped.map(\.path))
    let paths = done.isEmpty ? names.paths : names.paths.filter { !done.contains($0) }
    let pace = Pace(total: paths.count)
    let line = ProgressLine("embedding", .usual(isQuiet: isQuiet))
    defer { line.finish() }
    var transparent = 0
    try model.photos.forEach(paths, outputs: outputs) { (index, result) throws(Diagnostic) in
      switch result {
      case .success(let made):
        try job.add(paths[index], made.values)
        if made.hasDroppedAlpha { transparent += 1 }
      case .failure(let diagnostic):
        try job.skip(paths[index], SkippedFiles.reason(diagnostic))
      }
      line.update(
        pace.text("embedding", done: index + 1),
        fraction: Double(index + 1) / Double(paths.count))
    }
    line.finish()
    var skipped = SkippedFiles()
    for (path, reason) in names.skipped + job.skipped { skipped.add(path, reason) }
    guard !job.photos.isEmpty else {
      job.abandon()
      throw Diagnostic(
        "found no photo that can be used", notes: skipped.lines,
        hint: "photos are files that end in "
          + PhotoNames.endings.map { ".\($0)" }.joined(separator: ", "))
    }
    try job.finish(model.model)
    if transparent > 0 {
      Console.tell(
        Diagnostic(
          "transparency of \(Format.grouped(transparent)) photos is ignored, as the model's "
            + "preprocessing does not say what is behind", severity: .warning))
    }
    if isJSON { return try printSummary(pace.seconds, count: paths.count, skipped, targets) }
    if isQuiet {
      for file in skipped.lines where !job.skipped.isEmpty { Console.tell(PlainText.escaped(file)) }
      return
    }
    tell(pace.seconds, count: paths.count, skipped, targets)
  }

  /// What `--json` prints.
  private struct Summary: Encodable {
    struct File: Encodable {
      let file: String?
      let outputs: [ArrayReport]
    }

    struct Skipped: Encodable {
      let reason: String
      let photos: [String]
    }

    /// Photos of this run, those that cannot be used included.
    let photos: Int
    /// Rows of the files, with those of before.
    let rows: Int
    let seconds: Double
    let files: [File]
    let skipped: [Skipped]
  }

  private func printSummary(
    _ seconds: Double, count: Int, _ skipped: SkippedFiles, _ targets: [RowTarget]
  ) throws(Diagnostic) {
    let rows = job.photos.count
    try JSONValue.print(
      Summary(
        photos: count, rows: rows, seconds: seconds,
        files: targets.map { target in
          .init(
            file: target.path,
            outputs: target.tensors.map { ArrayReport(name: $0.name, shape: [rows] + $0.shape) })
        }, skipped: skipped.groups.map { .init(reason: $0.reason, photos: $0.files) }))
  }

  private func tell(
    _ seconds: Double, count: Int, _ skipped: SkippedFiles, _ targets: [RowTarget]
  ) {
    let rate = seconds > 0 ? ", \(Format.fixed(Double(count) / seconds, 1)) a second" : ""
    var lines = ["photos   \(Format.grouped(count)) in \(Format.fixed(seconds, 1)) s\(rate)"]
    if count < job.photos.count + job.skipped.count {
      lines[0] += "; \(Format.grouped(job.photos.count)) rows with those of before"
    }
    for target in targets {
      guard let path = target.path else { continue }
      let shapes = target.tensors.map { tensor in
        "\(tensor.name) \(Format.shape([job.photos.count] + tensor.shape))"
      }
      lines.append("wrote    \(path): \(shapes.joined(separator: ", "))")
    }
    for text in lines + skipped.lines { Console.tell(PlainText.escaped(text)) }
  }
}
