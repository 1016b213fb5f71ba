import IR
import VitRuntime

/// Many images through a model, some at a time, with a progress line.
///
/// The bits of an output do not depend on what it is run together with, so cutting is free.
struct BatchRun {
  /// The model.
  let model: CompiledModel

  /// The images of one call, so that the progress line moves.
  private static let step = 32

  /// Runs `count` images and returns every output of the model, each `[count, its shape]`.
  func run(_ images: [Float], count: Int) throws(Diagnostic) -> [[Float]] {
    let progress = ProgressLine("running")
    defer { progress.finish() }
    let elements = model.description.input.elementCount
    return try CompiledModel.telling(model.path) {
      let context = try model.model.makeContext()
      var results = model.description.outputs.map { output in
        var values: [Float] = []
        values.reserveCapacity(count * output.elementCount)
        return values
      }
      for start in stride(from: 0, to: count, by: Self.step) {
        let end = min(start + Self.step, count)
        let part = Array(images[start * elements..<end * elements])
        let outputs = try context.runAll(part, count: end - start)
        for index in results.indices { results[index] += outputs[index] }
        progress.update(fraction: Double(end) / Double(count))
      }
      return results
    }
  }
}
