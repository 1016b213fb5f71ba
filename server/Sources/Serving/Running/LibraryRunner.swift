import VitRuntime

/// Runs batches with one context of a compiled model, which has threads of its own.
struct LibraryRunner: BatchRunner {
  let context: VitContext

  func run(_ images: [Float], count: Int, outputs: [String]) throws -> [String: [Float]] {
    try context.runAll(images: images, count: count, outputs: outputs)
  }
}

extension Engine.Entry {
  /// A compiled model.
  public init(_ model: VitModel, name: String) throws(ServeError) {
    self.init(model: try ServedModel(model, name: name)) {
      LibraryRunner(context: try model.makeContext())
    }
  }
}
