import Diagnostics
import JSON
import Photos

/// The work of `vitc embed`.
struct EmbedRun {
  /// The model.
  let model: PhotoLibrary
  /// The photos.
  let names: EmbedPhotos
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
    let photos = try names.remaining(without: job.done)
    let pace = Pace(total: photos.count)
    let line = ProgressLine("embedding")
    defer { line.finish() }
    var (transparent, count) = (0, 0)
    try model.photos.forEach(photos, outputs: outputs) { (path, result) throws(Diagnostic) in
      switch result {
      case .success(let made):
        try job.add(path, made.values)
        if made.hasDroppedAlpha { transparent += 1 }
      case .failure(let diagnostic): try job.skip(path, SkippedFiles.reason(diagnostic))
      }
      count += 1
      line.update(
        pace.text("embedding", done: count), fraction: Double(count) / Double(photos.count))
    }
    line.finish()
    guard job.photos.count > 0 else {
      job.abandon()
      throw Diagnostic(
        "found no photo that can be used", notes: job.skipped.lines,
        hint: "photos are files that end in \(PhotoWalk.listedEndings)")
    }
    try job.finish(model.model)
    if transparent > 0 {
      Console.tell(
        Diagnostic(
          "transparency of \(Format.grouped(transparent)) photos is ignored, as the model's "
            + "preprocessing does not say what is behind", severity: .warning))
    }
    if isJSON {
      return try EmbedSummary(
        photos: count, rows: job.photos.count, seconds: pace.seconds, targets: targets
      ).print(job.skipped)
    }
    if isQuiet {
      for file in job.skipped.lines where job.failures > 0 {
        Console.tell(PlainText.escaped(file))
      }
      return
    }
    tell(pace.seconds, count: count, targets)
  }

  private func tell(_ seconds: Double, count: Int, _ targets: [RowTarget]) {
    let rate = seconds > 0 ? ", \(Format.fixed(Double(count) / seconds, 1)) a second" : ""
    var lines = ["photos   \(Format.grouped(count)) in \(Format.fixed(seconds, 1)) s\(rate)"]
    if count < job.photos.count + job.failures {
      lines[0] += "; \(Format.grouped(job.photos.count)) rows with those of before"
    }
    for target in targets {
      guard let path = target.path else { continue }
      let shapes = target.tensors.map { tensor in
        "\(tensor.name) \(Format.shape([job.photos.count] + tensor.shape))"
      }
      lines.append("wrote    \(path): \(shapes.joined(separator: ", "))")
    }
    for text in lines + job.skipped.lines { Console.tell(PlainText.escaped(text)) }
  }
}
