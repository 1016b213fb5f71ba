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

  /// What is said of each step of a run of a size.
  func steps(_ size: Int) -> [JSONValue] {
    guard size > 0 else { return extras["steps"]?.array ?? [] }
    let details = (try? model.sized(size)).flatMap { try? JSONValue(parsing: $0.json) }
    return details?["steps"]?.array ?? []
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

  /// The shape of an output for one image of a size.
  func shape(of output: VitDescription.Tensor, _ size: Int) -> [Int] {
    guard model.sizes.indices.contains(size) else { return output.shape }
    return model.sizes[size].outputs.first { $0.name == output.name }?.shape ?? output.shape
  }

  /// Throws where an output has another shape for images of another size.
  func checkShapes(of outputs: [String]) throws(Diagnostic) {
    for output in description.outputs where outputs.contains(output.name) {
      for size in model.sizes.indices where shape(of: output, size) != output.shape {
        throw Diagnostic(
          "output '\(output.name)' has \(Format.shape(output.shape)) for images of "
            + "\(CompiledModel.extents(of: description)), "
            + "\(Format.shape(shape(of: output, size))) for others: rows have one length",
          at: .file(path), notes: sizesNote,
          hint: "an output such as 'features' is the same for all sizes")
      }
    }
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

  /// Checks that an array is a batch of images for this model and returns how many they are, and of
  /// which size; one image may lack the first dimension.
  func batch(
    _ shape: [Int], at location: Diagnostic.Location
  ) throws(Diagnostic) -> ImageBatch {
    for (number, size) in model.sizes.enumerated() {
      let image = size.input.shape
      if shape == image { return ImageBatch(count: 1, size: number) }
      if shape.count == image.count + 1, Array(shape.dropFirst()) == image, shape[0] > 0 {
        return ImageBatch(count: shape[0], size: number)
      }
    }
    let image = description.input.shape
    let batch = "[n, \(image.map(String.init).joined(separator: ", "))]"
    throw Diagnostic(
      "the \(description.input.name) have shape \(Format.shape(shape)), expected \(batch) with n "
        + "of at least 1",
      at: location, notes: sizesNote, hint: Self.shapeHint(shape, image))
  }

  /// What is added where a size is wrong; nothing for a model of one size.
  var sizesNote: [String] {
    model.sizes.count > 1
      ? ["the sizes are " + ShortList.text(model.sizes.map { Self.extents(of: $0) })] : []
  }

  /// Height and width of a size's images, `HxW`.
  static func extents(of size: VitDescription) -> String {
    size.input.shape.dropFirst().map(String.init).joined(separator: "x")
  }

  /// The number of the size that `--size` names; the first if it is not given.
  ///
  /// Errors: a text that is no size, a size that the model has not.
  func size(_ text: String?) throws(Diagnostic) -> Int {
    guard let text else { return 0 }
    let size = try ImageSizes.size(text)
    guard let number = model.size(height: size.height, width: size.width) else {
      throw Diagnostic(
        "the model takes no images of \(size)", at: .argument("--size"),
        notes: ["the sizes are " + ShortList.text(model.sizes.map { Self.extents(of: $0) })],
        hint: "sizes are chosen when the model is compiled, with --image-size")
    }
    return number
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
  /// - Returns: the image, and its size as the model's rule makes it.
  func preprocess(
    _ path: String, orients: Bool = false
  ) throws(Diagnostic) -> (pixels: [Float], size: Int) {
    let image = try Image(decoding: path, alpha: alpha, orients: orients)
    if image.hasDroppedAlpha { Console.tell(Self.droppedAlpha(path)) }
    return try preprocess(image)
  }

  /// Makes a photo what the model wants: resized, cropped, normalized; of the size that the model's
  /// rule makes of it, or of another.
  func preprocess(
    _ image: Image, size: Int? = nil
  ) throws(Diagnostic) -> (pixels: [Float], size: Int) {
    try Self.telling(path) {
      let size = try size ?? model.size(forWidth: image.width, height: image.height)
      return (
        try model.preprocess(
          rgb: image.rgb, width: image.width, height: image.height, size: size), size
      )
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
