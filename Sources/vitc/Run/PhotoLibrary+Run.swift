import Diagnostics
import Photos

extension PhotoLibrary {
  /// Runs photos in order; what cannot be read is told, and the others go on.
  ///
  /// - Parameters:
  ///   - list: The photos.
  ///   - label: What the progress line says is done.
  ///   - outputs: The outputs wanted.
  ///   - body: Gets a photo's path and what was made of it.
  /// - Returns: How many files could not be used.
  /// - Throws: What `body` throws; the rest is not run then.
  func run(
    _ list: PhotoList, _ label: String, outputs: [String],
    _ body: (String, PhotoModel.Outputs) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> Int {
    for warning in list.warnings { Console.tell(warning) }
    var failures = list.unusable
    let progress = ProgressLine(label)
    defer { progress.finish() }
    let paths = list.paths
    try photos.forEach(paths, outputs: outputs) { (index, result) throws(Diagnostic) in
      switch result {
      case .success(let made):
        if made.hasDroppedAlpha { Console.tell(CompiledModel.droppedAlpha(paths[index])) }
        try body(paths[index], made)
      case .failure(let diagnostic):
        failures += 1
        Console.tell(diagnostic)
      }
      progress.update(fraction: Double(index + 1) / Double(paths.count))
    }
    return failures
  }
}
