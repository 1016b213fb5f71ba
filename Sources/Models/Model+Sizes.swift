import Diagnostics

/// What a resize starts from.
struct OwnSize: Sendable {
  let height: Int
  let width: Int
  let preprocessing: Preprocessing?

  init(_ model: any ModelConfiguration) {
    height = model.imageHeight
    width = model.imageWidth
    preprocessing = model.preprocessing
  }
}

extension Model {
  /// The same model and checkpoint for images of another size, as it would have been loaded for it.
  ///
  /// - Throws: a size that the model does not take, or whose tensors are others than those that the
  ///   checkpoint was checked for.
  public func resized(height: Int, width: Int) throws(Diagnostic) -> Model {
    var copy = self
    var family = family
    let before = try family.tensors(fusedQKV: true)
    if let own {
      // What is rounded is rounded once, from the model's own size.
      family.facts.imageHeight = own.height
      family.facts.imageWidth = own.width
      family.facts.preprocessing = own.preprocessing
    }
    do {
      copy.family = try family.resized(height: height, width: width)
    } catch {
      var located = error
      located.location = .argument("--image-size")
      throw located
    }
    let after = try copy.family.tensors(fusedQKV: true)
    guard before.map(\.name) == after.map(\.name), before.map(\.type) == after.map(\.type) else {
      throw Diagnostic(
        "'\(copy.family.name)' reads other tensors for images of \(height)x\(width) than for "
          + "\(self.family.imageHeight)x\(self.family.imageWidth)", at: .argument("--image-size"),
        hint: "compile a library for each size")
    }
    return copy
  }
}
