import ArgumentParser
import Diagnostics
import JSON
import Npy
import VitRuntime

/// `vitc compare`: how far one compiled model is from another, on the same images.
struct Compare: QuietCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures the errors of a compiled model against another, such as bf16 against f32.",
    discussion: """
      The first library is the reference. For each output: the relative error (the norm of the \
      difference over the norm of the reference), as geometric mean over the images and of the \
      worst image; cosines; for logits, how often both models have the same best class. The \
      images with the largest errors are listed.

        vitc compare libf32.so libint8.so --images photos
        vitc compare libtext32.so libtext8.so --texts captions.txt
      """)

  @Argument(help: "The reference, a compiled model.")
  var first: String

  @Argument(help: "The compiled model to measure.")
  var second: String

  @Option(help: "PNG, JPEG and WebP files, or folders of them; may be repeated.")
  var images: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with a text a line, for libraries of text towers; - for standard input.",
      valueName: "file"))
  var texts: String?

  @Option(
    name: .shortAndLong, help: "An .npy file with preprocessed images, or with the ids of texts.")
  var input: String?

  @Option(
    help: ArgumentHelp(
      "The outputs to compare, as 'vitc compile' takes them (default: all that both have, of "
        + "images of several sizes those of one shape).",
      valueName: "list"))
  var outputs: String?

  @Option(help: "The number of images to list for each output, the worst first.")
  var worst = 5

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
    if worst < 0 { throw ValidationError("--worst must be 0 or more, found \(worst).") }
    if [!images.isEmpty, input != nil, texts != nil].filter(\.self).count != 1 {
      throw ValidationError("Give one of --images, --texts and --input.")
    }
  }

  func run() throws {
    let (one, other) = (
      try CompiledModel(first, threads: threads), try CompiledModel(second, threads: threads)
    )
    var outputs = try Self.commonOutputs(one, other)
    if let list = self.outputs {
      for model in [one, other] { outputs = try model.outputs(list) }
    }
    let read = try read(one)
    if read.batches.count > 1 {
      // Values are compared image by image, as many of each.
      let same = outputs.filter { name in
        Set(one.model.sizes.map { $0.outputs.first { $0.name == name }?.shape }).count == 1
      }
      if self.outputs == nil, !same.isEmpty { outputs = same }
      try one.checkShapes(of: outputs)
    }
    let names = read.names
    var truth: [String: [Float]] = [:]
    var found: [String: [Float]] = [:]
    for (pixels, batch) in read.batches {
      let size = one.model.sizes[batch.size]
      let twin = ImageBatch(count: batch.count, size: try Self.twin(of: size, of: one, in: other))
      try Self.checkShapes(size, other.model.sizes[twin.size], outputs, one, other)
      truth.merge(try BatchRun(model: one).run(pixels, batch, outputs: outputs)) { $0 + $1 }
      found.merge(try BatchRun(model: other).run(pixels, twin, outputs: outputs)) { $0 + $1 }
    }
    var report = Comparison(
      images: names.count,
      outputs: outputs.map { output in
        Comparison.Output(
          name: output, truth: truth[output] ?? [], found: found[output] ?? [], images: names,
          listed: worst)
      })
    report.readsTexts = one.description.input.holdsTokens
    if json { return try JSONValue.print(report) }
    print(report.text, terminator: "")
  }

  /// The outputs that both have, in the order of the first.
  ///
  /// Errors: other images, an output of other shapes, none in common.
  static func commonOutputs(
    _ one: CompiledModel, _ other: CompiledModel
  ) throws(Diagnostic) -> [String] {
    let (kind, otherKind) = (one.description.input.name, other.description.input.name)
    guard kind == otherKind else {
      throw Diagnostic(
        "the model reads \(otherKind), '\(one.path)' reads \(kind)", at: .file(other.path),
        hint: "compare two image encoders, or two text towers")
    }
    let common = one.model.sizes.first { size in
      other.model.sizes.contains { $0.input.shape == size.input.shape }
    }
    guard let size = common else { throw refusal(one.description, of: one, other) }
    let names = size.outputs.map(\.name).filter { name in
      other.description.outputs.contains { $0.name == name }
    }
    let twin = other.model.sizes[try twin(of: size, of: one, in: other)]
    try checkShapes(size, twin, names, one, other)
    guard !names.isEmpty else {
      throw Diagnostic(
        "the models have no output in common", at: .file(other.path),
        notes: [
          "outputs: \(other.description.outputs.map(\.name).joined(separator: ", "))",
          "outputs of '\(one.path)': "
            + one.description.outputs.map(\.name).joined(separator: ", "),
        ], hint: "compile both with the same --outputs")
    }
    return names
  }

  /// The place of a size of one model among those of another.
  private static func twin(
    of size: VitDescription, of one: CompiledModel, in other: CompiledModel
  ) throws(Diagnostic) -> Int {
    guard
      let twin = other.model.sizes.firstIndex(where: { $0.input.shape == size.input.shape })
    else { throw refusal(size, of: one, other) }
    return twin
  }

  /// What is said of a size that the other model does not take.
  private static func refusal(
    _ size: VitDescription, of one: CompiledModel, _ other: CompiledModel
  ) -> Diagnostic {
    let kind = size.input.name
    return Diagnostic(
      "the \(kind) have shape \(Format.shape(other.description.input.shape)), those of "
        + "'\(one.path)' \(Format.shape(size.input.shape))", at: .file(other.path),
      notes: other.sizesNote,
      hint: "compile both with the same --\(kind == "ids" ? "text-length" : "image-size")")
  }

  /// Throws for an output that has not the same shape in both.
  private static func checkShapes(
    _ size: VitDescription, _ twin: VitDescription, _ names: [String], _ one: CompiledModel,
    _ other: CompiledModel
  ) throws(Diagnostic) {
    for output in size.outputs where names.contains(output.name) {
      guard let found = twin.outputs.first(where: { $0.name == output.name }) else { continue }
      guard found.shape == output.shape else {
        throw Diagnostic(
          "output '\(output.name)' has shape \(Format.shape(found.shape)), that of '\(one.path)' "
            + Format.shape(output.shape), at: .file(other.path),
          hint: "compile both from the same model")
      }
    }
  }

  /// The images, of one size after the other, and their names in that order; the first model
  /// preprocesses photos for both.
  private func read(
    _ model: CompiledModel
  ) throws(Diagnostic) -> (names: [String], batches: [(pixels: [Float], batch: ImageBatch)]) {
    if let input {
      let array = try NpyArray(path: input)
      let batch = try model.batch(array.shape, at: .file(input))
      let one = model.description.input.holdsTokens ? "text" : "image"
      return ((0..<batch.count).map { "\(one) \($0)" }, [(array.values, batch)])
    }
    if let texts {
      let run = try TextRun(model: model)
      let all = try TextRun.texts([], file: texts)
      let batch = ImageBatch(count: all.count, size: 0)
      return (all, [(try run.ids(all).map { Float($0) }, batch)])
    }
    guard !model.description.input.holdsTokens else {
      throw Diagnostic(
        "the model reads texts, not photos", at: .file(model.path),
        hint: "give texts with --texts, or their ids with --input")
    }
    let list = try PhotoList(images)
    for warning in list.warnings { Console.tell(warning) }
    let paths = list.paths
    var photos: [Int: (paths: [String], pixels: [Float])] = [:]
    for path in paths {
      let (pixels, size) = try model.preprocess(path)
      photos[size, default: ([], [])].paths.append(path)
      photos[size, default: ([], [])].pixels += pixels
    }
    let sizes = photos.sorted { $0.key < $1.key }
    return (
      sizes.flatMap(\.value.paths),
      sizes.map { ($0.value.pixels, ImageBatch(count: $0.value.paths.count, size: $0.key)) }
    )
  }
}
