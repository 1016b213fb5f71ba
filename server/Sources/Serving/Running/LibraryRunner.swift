import VitRuntime

/// Runs batches with one context of a compiled model, which has threads of its own.
struct LibraryRunner: BatchRunner {
  let model: VitModel
  let context: VitContext

  func run(_ images: [Float], sizes: [Int], outputs: [String]) throws -> [String: [Float]] {
    let first = sizes.first ?? 0
    if sizes.allSatisfy({ $0 == first }) {
      return try context.runAll(
        images: images, count: sizes.count, outputs: outputs, size: first)
    }
    var start = 0
    let mixed = try sizes.map { size in
      let end = start + (try model.sized(size).input.elements)
      defer { start = end }
      return VitSizedImage(pixels: Array(images[start..<end]), size: size)
    }
    return try context.runMixed(mixed, outputs: outputs).reduce(into: [:]) { all, one in
      for (name, values) in one { all[name, default: []] += values }
    }
  }
}

extension Engine.Entry {
  /// A compiled model.
  public init(_ model: VitModel, name: String) throws(ServeError) {
    self.init(model: try ServedModel(model, name: name)) {
      LibraryRunner(model: model, context: try model.makeContext())
    }
  }
}
