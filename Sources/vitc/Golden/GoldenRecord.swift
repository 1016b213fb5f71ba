import ArgumentParser
import Diagnostics
import JSON
import Models
import Npy

/// `vitc golden record`: keeps inputs and the outputs of a model.
struct GoldenRecord: QuietCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Records inputs and the outputs of a compiled model.",
    discussion: """
      The inputs are read from an .npy file, or generated from a seed, uniform in [-1, 1), as \
      Docs/SeedWeights.md defines the tensor 'input'. Of a text tower they are the ids of texts; \
      generated ones are below the vocabulary and end as the model wants.
      """)

  @Argument(help: "The compiled model.")
  var library: String

  @Option(name: .shortAndLong, help: "An .npy file with the images.")
  var input: String?

  @Option(help: "Generate the inputs from this seed instead.")
  var seed: UInt64?

  @Option(help: "The number of images to generate.")
  var count = 1

  @Option(
    help: ArgumentHelp(
      "The size of the generated images, of a model for several (default: the first).",
      valueName: "hxw"))
  var size: String?

  @Option(
    help: ArgumentHelp(
      "The outputs to record, as 'vitc compile' takes them (default: all).", valueName: "list"))
  var outputs: String?

  @Option(name: .shortAndLong, help: "The golden to write, an .npz file.")
  var output: String

  @Option(help: "The limit of max|y - y0| / rms(y0) to record.")
  var tolerance = GoldenFile.Limits.standard.tolerance

  @Option(help: "The limit of the cosine of y and y0 to record.")
  var cosine = GoldenFile.Limits.standard.cosine

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Flag(help: "Print what was recorded as JSON.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if (input == nil) == (seed == nil) { throw ValidationError("Give either --input or --seed.") }
    if size != nil, seed == nil { throw ValidationError("--size requires --seed.") }
    if count < 1 { throw ValidationError("--count must be 1 or more, found \(count).") }
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
    try GoldenCheck.validate(tolerance: tolerance, cosine: cosine)
  }

  func run() throws {
    try OutputEnding.check(output, ["npz"])
    try Overwriting.check(output, inputs: [library] + (input.map { [$0] } ?? []))
    let model = try CompiledModel(library, threads: threads)
    let images = try images(for: model)
    let batch = try model.batch(images.shape, at: .file(input ?? library))
    let count = batch.count
    let wanted = try outputs.map { (list) throws(Diagnostic) in try model.outputs(list) }
    let tensors = model.description.outputs.filter { wanted?.contains($0.name) ?? true }
    let results = try BatchRun(model: model)
      .run(images.values, batch, outputs: tensors.map(\.name))
    let outputs = tensors.map { tensor in
      let values = results[tensor.name] ?? []
      return (
        name: tensor.name,
        array: NpyArray(shape: [count] + model.shape(of: tensor, batch.size), values: values)
      )
    }
    try GoldenFile.write(
      output, images: images, outputs: outputs,
      limits: GoldenFile.Limits(tolerance: tolerance, cosine: cosine))
    if json {
      return try JSONValue.print(
        Report(
          golden: output, library: library, images: count,
          outputs: outputs.map { .init(name: $0.name, shape: $0.array.shape) },
          tolerance: tolerance, cosine: cosine))
    }
    let names = outputs.map { "\($0.name) \(Format.shape($0.array.shape))" }
    let file = PlainText.escaped(output)
    let one = model.description.input.holdsTokens ? "text" : "image"
    print(
      "\(file): \(count) \(one)\(count == 1 ? "" : "s"), \(names.joined(separator: ", "))"
    )
  }

  /// What `--json` prints.
  private struct Report: Encodable {
    let golden: String
    let library: String
    let images: Int
    let outputs: [ArrayReport]
    let tolerance: Double
    let cosine: Double
  }

  private func images(for model: CompiledModel) throws(Diagnostic) -> NpyArray {
    if let input { return try NpyArray(path: input) }
    let description = model.model.sizes[try model.size(size)]
    return NpyArray(
      shape: [count] + description.input.shape,
      values: CompiledModel.sample(description, count: count, seed: seed ?? 0))
  }
}
