import Diagnostics
import JSON
import Models
import VitRuntime

/// How a compiled library gives the features that a head reads.
struct FeatureSource {
  /// The outputs that are read.
  let outputs: [String]
  /// Makes the features of a photo from these.
  let row: @Sendable ([String: [Float]]) -> [Float]

  /// The output of the features themselves, and that of all tokens.
  private static let (features, tokens) = ("features", "tokens")
  /// More tokens than this before the patches has no model.
  private static let mostPrefixTokens = 32

  /// Finds the outputs.
  ///
  /// Errors: the library has not what is to be read; it does not say which tokens are patches.
  init(_ model: CompiledModel, _ reads: SuppliedHead.Features) throws(Diagnostic) {
    switch reads {
    case .token:
      try Self.check(model, Self.features)
      outputs = [Self.features]
      row = { $0[Self.features] ?? [] }
    case .mean:
      let (prefix, width) = try Self.patches(model)
      outputs = [Self.tokens]
      row = { Self.mean($0[Self.tokens] ?? [], prefix, width) }
    case .both:
      try Self.check(model, Self.features)
      let (prefix, width) = try Self.patches(model)
      outputs = [Self.features, Self.tokens]
      row = {
        ($0[Self.features] ?? []) + Self.mean($0[Self.tokens] ?? [], prefix, width)
      }
    }
  }

  private static func check(_ model: CompiledModel, _ name: String) throws(Diagnostic) {
    let names = model.description.outputs.map(\.name)
    guard names.contains(name) else {
      throw Diagnostic(
        "the library has no output '\(name)', which the head is to read", at: .file(model.path),
        notes: ["outputs: \(names.joined(separator: ", "))"],
        hint: "compile it with --outputs \((names + [name]).joined(separator: ",")), or name the "
          + "model instead of the library")
    }
  }

  /// The number of tokens before the patches, and the width of a token.
  private static func patches(
    _ model: CompiledModel
  ) throws(Diagnostic) -> (prefix: Int, width: Int) {
    try check(model, tokens)
    let shape = try model.output(tokens).shape
    let image = model.description.input.shape
    // Of convolutional nets every token is a place of the image.
    guard case .integer(let patch)? = model.extras["architecture"]?["patch"], patch > 0 else {
      return (0, shape[1])
    }
    let prefix = shape[0] - (image[1] / patch) * (image[2] / patch)
    let hasOthers = model.extras["architecture"]?["tokens_after_patches"] != nil
    guard !hasOthers, (0...mostPrefixTokens).contains(prefix) else {
      throw Diagnostic(
        "the library does not say which of its \(shape[0]) tokens are patches",
        at: .file(model.path), hint: "name the model instead of the library")
    }
    return (prefix, shape[1])
  }

  /// The mean of the rows after the first `prefix`, summed in double precision.
  private static func mean(_ tokens: [Float], _ prefix: Int, _ width: Int) -> [Float] {
    var sums = [Double](repeating: 0, count: width)
    for index in (prefix * width)..<max(prefix * width, tokens.count) {
      sums[index % width] += Double(tokens[index])
    }
    let count = Double(max(1, tokens.count / width - prefix))
    return sums.map { Float($0 / count) }
  }
}
