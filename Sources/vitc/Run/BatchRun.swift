import Diagnostics
import VitRuntime

/// Many images through a model, some at a time, with a progress line.
///
/// The bits of an output do not depend on what it is run together with, so cutting is free.
struct BatchRun {
  /// The model.
  let model: CompiledModel

  /// The images of one call, so that the progress line moves.
  private static let step = 32

  /// Runs the images of a batch and returns these outputs by name, each `[count, its shape]`.
  func run(
    _ images: [Float], _ batch: ImageBatch, outputs: [String]
  ) throws(Diagnostic) -> [String: [Float]] {
    let progress = ProgressLine("running")
    defer { progress.finish() }
    let count = batch.count
    return try CompiledModel.telling(model.path) {
      let elements = try model.model.sized(batch.size).input.elements
      let context = try model.model.makeContext()
      var results: [String: [Float]] = [:]
      for start in stride(from: 0, to: count, by: Self.step) {
        let end = min(start + Self.step, count)
        let part = Array(images[start * elements..<end * elements])
        let values = try context.runAll(
          images: part, count: end - start, outputs: outputs, size: batch.size)
        results.merge(values) { $0 + $1 }
        progress.update(fraction: Double(end) / Double(count))
      }
      return results
    }
  }
}
