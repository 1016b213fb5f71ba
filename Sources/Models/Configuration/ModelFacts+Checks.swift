import Diagnostics

extension HasModelFacts {
  /// The most pixels that an image may have along a side.
  static var imageLimit: Int { 16384 }

  /// Returns the configuration for inputs of another size; a stored position table stays what it
  /// is and is resized.
  ///
  /// Throws if the model cannot take the size, or it is unreasonable.
  public func resized(height: Int, width: Int) throws(Diagnostic) -> Self {
    if (height, width) == (imageHeight, imageWidth) { return self }
    for (what, extent) in [("height", height), ("width", width)] {
      if let problem = problem(extent: extent, what) { throw problem }
    }
    var copy = self
    copy.imageHeight = height
    copy.imageWidth = width
    copy.preprocessing = preprocessing?.scaled(
      from: (imageHeight, imageWidth), to: (height, width))
    return copy
  }

  /// Checks what all families have.
  func checkFacts() throws(Diagnostic) {
    let positive = [
      ("image height", imageHeight, Self.imageLimit), ("image width", imageWidth, Self.imageLimit),
      ("number of channels", channels, 256),
    ]
    for (what, value, limit) in positive where value < 1 || value > limit {
      throw fault("\(what) is \(value), expected 1 to \(limit)")
    }
    guard classes >= 0, classes <= 1 << 24 else {
      throw fault("number of classes is \(classes), expected 0 to \(1 << 24)")
    }
    guard labels.isEmpty || labels.count == classes else {
      throw fault("\(labels.count) labels for \(classes) classes")
    }
  }

  /// The diagnostic of numbers that do not fit.
  func fault(_ message: String) -> Diagnostic { Diagnostic("model '\(name)': \(message)") }

  /// The diagnostic for an output `pooler` that there is not.
  var noPooler: Diagnostic {
    Diagnostic(
      "'\(name)' has no pooler", at: .argument("--outputs"),
      hint: "transformers' ViTModel and DeiTModel have one, with their own checkpoints")
  }

  /// Throws unless the model has what is wanted of it.
  func checkOutputs(_ outputs: [ModelOutput]) throws(Diagnostic) {
    guard !outputs.isEmpty else { throw Diagnostic("no outputs requested") }
    if outputs.contains(.logits), classes == 0 {
      throw Diagnostic(
        "'\(name)' has no head, so there are no logits", at: .argument("--outputs"),
        hint: "ask for 'features' or 'tokens'")
    }
  }
}
