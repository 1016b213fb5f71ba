import Diagnostics
import Files
import IR
import Images
import JSON
import Models
import VitRuntime

/// A compiled model that is loaded, with what the subcommands need of it.
struct CompiledModel {
  /// The library's path, as given.
  let path: String
  /// The model, from which contexts are made.
  let model: VitModel
  /// What the description says beyond the ABI's fields: preprocessing, labels, passes.
  let extras: JSONValue

  /// Loads a library.
  ///
  /// - Parameters:
  ///   - path: The library that `vitc compile` wrote.
  ///   - threads: How many threads a run uses; 0 for all processors.
  init(_ path: String, threads: Int = 0) throws(Diagnostic) {
    self.path = path
    guard Path.kind(of: path) != .folder else {
      throw Diagnostic(
        "is a folder, expected a compiled model", at: .file(path),
        hint: "'vitc compile FOLDER -o libNAME.so' compiles the model in a folder")
    }
    model = try Self.telling(path) {
      try VitModel(path: path, options: VitOptions(threads: threads))
    }
    extras = (try? JSONValue(parsing: model.description.json)) ?? .object([:])
  }

  /// What the model says about itself.
  var description: VitDescription { model.description }

  /// The names of the classes; empty where the checkpoint had none.
  var labels: [String] { extras["labels"]?.array?.compactMap(\.string) ?? [] }

  /// Whether it has scores of classes: logits that are not the projection of an image encoder.
  var hasClasses: Bool {
    logits != nil && extras["logits"]?.string != "embedding"
  }

  /// The output that scores of classes are made from, of either type; `nil` if there is none.
  var logits: VitDescription.Tensor? {
    description.outputs.first { ["logits", "logits_f16"].contains($0.name) }
  }

  /// What is told of a photo whose transparency is ignored.
  static func droppedAlpha(_ path: String) -> Diagnostic {
    Diagnostic(
      "transparency is ignored, as the model's preprocessing does not say what is behind",
      severity: .warning, at: .file(path))
  }

  /// What becomes of photos' transparency.
  var alpha: Image.Alpha {
    extras["preprocessing"]?["alpha"]?.string == Preprocessing.Alpha.onWhite.rawValue
      ? .onWhite : .dropped
  }

  /// Returns the output of this name, or of this text of `--outputs`, such as `features:unit`.
  ///
  /// Errors: the model has none.
  func output(_ name: String) throws(Diagnostic) -> VitDescription.Tensor {
    let names = description.outputs.map(\.name)
    guard let output = description.outputs.first(where: { Self.names(name).contains($0.name) })
    else {
      throw Diagnostic(
        "the model has no output '\(name)'", at: .file(path),
        notes: ["outputs: \(names.joined(separator: ", "))"],
        hint: Suggestion.hint(for: name, in: names)
          ?? "outputs are chosen when the model is compiled, with --outputs")
    }
    return output
  }

  /// What a text may mean: the name itself, or that of the only tensor that `--outputs` makes of
  /// it.
  static func names(_ text: String) -> [String] {
    let named = ModelOutput(rawValue: text)?.names ?? []
    return [text] + (named.count == 1 ? named : [])
  }

  /// The outputs of a list as `--outputs` takes it; blocks are counted from 0.
  ///
  /// Errors: a text that is not in the grammar, an output that the model has not.
  func outputs(_ list: String) throws(Diagnostic) -> [String] {
    var names: [String] = []
    for output in try ModelOutput.list(list) {
      for name in output.names { names.append(try self.output(name).name) }
    }
    return names
  }

  /// Returns the first output.
  ///
  /// Errors: the model has none.
  func first() throws(Diagnostic) -> VitDescription.Tensor {
    guard let output = description.outputs.first else {
      throw Diagnostic("the model has no output", at: .file(path))
    }
    return output
  }

  /// Inputs to measure a model with, from a seed: images of pseudo-random numbers, or texts of
  /// pseudo-random tokens that end as the model wants.
  static func sample(_ description: VitDescription, count: Int, seed: UInt64 = 0) -> [Float] {
    let input = description.input
    let made = SeededCheckpoint.tensor(name: "input", shape: [count] + input.shape, seed: seed)
    guard input.holdsTokens else { return made.values }
    let text = (try? JSONValue(parsing: description.json))?["textTower"]
    func number(_ key: String) -> Int? {
      if case .integer(let value)? = text?[key] { value } else { nil }
    }
    let limit = max(1, number("vocabulary") ?? 1)
    return made.values.enumerated().map { index, value in
      let isLast = index % input.elements == input.elements - 1
      // From [-1, 1).
      let token = min(limit - 1, Int((value + 1) / 2 * Float(limit)))
      return Float(isLast ? number("endOfText") ?? token : token)
    }
  }

  /// Checks that an array is a batch of images for this model and returns how many they are; one
  /// image may lack the first dimension.
  func imageCount(
    _ shape: [Int], at location: Diagnostic.Location
  ) throws(Diagnostic) -> Int {
    let image = description.input.shape
    if shape == image { return 1 }
    guard shape.count == image.count + 1, Array(shape.dropFirst()) == image, shape[0] > 0 else {
      let batch = "[n, \(image.map(String.init).joined(separator: ", "))]"
      throw Diagnostic(
        "the \(description.input.name) have shape \(Format.shape(shape)), expected \(batch) with n "
          + "of at least 1",
        at: location, hint: Self.shapeHint(shape, image))
    }
    return shape[0]
  }

  private static func shapeHint(_ shape: [Int], _ image: [Int]) -> String? {
    if image.count == 3, shape.suffix(3) == [image[1], image[2], image[0]] {
      return "the channels come last; transpose to channels, height, width"
    }
    if shape.contains(0) || image.count == 1 { return nil }
    return "compile the model for another size with --image-size, or give the photos themselves to "
      + "have them resized"
  }

  /// Decodes a photo as the model's checkpoint says and makes it what the model wants: resized,
  /// cropped, normalized.
  ///
  /// - Parameter orients: Whether the photo is turned as its EXIF data says.
  func preprocess(_ path: String, orients: Bool = false) throws(Diagnostic) -> [Float] {
    let image = try Image(decoding: path, alpha: alpha, orients: orients)
    if image.hasDroppedAlpha { Console.tell(Self.droppedAlpha(path)) }
    return try preprocess(image)
  }

  /// Makes a photo what the model wants: resized, cropped, normalized.
  func preprocess(_ image: Image) throws(Diagnostic) -> [Float] {
    try Self.telling(path) {
      try model.preprocess(rgb: image.rgb, width: image.width, height: image.height)
    }
  }

  /// Turns the runtime's errors into diagnostics about the library.
  static func telling<Result>(
    _ path: String, _ body: () throws -> Result
  ) throws(Diagnostic) -> Result {
    do {
      return try body()
    } catch {
      throw Diagnostic("\(error)", at: .file(path))
    }
  }
}
