import Diagnostics
import Photos

extension PhotoLibrary {
  /// Runs photos in order; what cannot be read is told, and the others go on.
  ///
  /// - Parameters:
  ///   - list: The photos.
  ///   - label: What the progress line says is done.
  ///   - outputs: The outputs wanted.
  ///   - body: Gets a photo's path and its outputs.
  /// - Returns: How many files could not be used.
  func run(
    _ list: PhotoList, _ label: String, outputs: [String],
    _ body: (String, [String: [Float]]) -> Void
  ) -> Int {
    for diagnostic in list.skipped { Console.tell(diagnostic) }
    var failures = list.skipped.count
    let progress = ProgressLine(label)
    defer { progress.finish() }
    let paths = list.paths
    photos.forEach(paths, outputs: outputs) { index, result in
      switch result {
      case .success(let made):
        if made.hasDroppedAlpha { Console.tell(CompiledModel.droppedAlpha(paths[index])) }
        body(paths[index], made.values)
      case .failure(let diagnostic):
        failures += 1
        Console.tell(diagnostic)
      }
      progress.update(fraction: Double(index + 1) / Double(paths.count))
    }
    return failures
  }
}
