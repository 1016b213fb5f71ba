import Diagnostics
import IR
import JSON
import Npy
import Photos
import VitRuntime

/// `vitc run --input`: one array through a model.
struct ArrayRun {
  /// The model.
  let model: CompiledModel
  /// Which output goes to which file.
  private let files: [(output: VitDescription.Tensor, path: String)]

  /// Reads the `--output` arguments.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - outputs: `FILE` or `NAME=FILE` each.
  ///   - defaultName: The output that a `FILE` is; the model's first if `nil`.
  ///
  /// Errors: an output that the model has not; one file or output named twice; a file that does not
  /// end in `.npy`.
  init(
    model: CompiledModel, outputs: [String], defaultName: String?
  ) throws(Diagnostic) {
    self.model = model
    var files: [(output: VitDescription.Tensor, path: String)] = []
    for argument in outputs {
      let (name, path) = Self.parts(argument)
      try OutputEnding.check(path, ["npy"])
      let output =
        if let wanted = name ?? defaultName { try model.output(wanted) } else { try model.first() }
      if files.contains(where: { $0.path == path }) {
        throw Diagnostic("two outputs go to '\(path)'", at: .argument("--output"))
      }
      files.append((output, path))
    }
    self.files = files
  }

  /// Splits `NAME=FILE`; what is before the `=` counts as a name only if it looks like one.
  static func parts(_ argument: String) -> (name: String?, path: String) {
    guard let sign = argument.firstIndex(of: "=") else { return (nil, argument) }
    let name = argument[..<sign]
    guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || "_:-".contains($0) })
    else {
      return (nil, argument)
    }
    return (String(name), String(argument[argument.index(after: sign)...]))
  }

  /// Runs the images of an `.npy` file and writes the outputs.
  ///
  /// - Parameter isJSON: Whether to print what was written, as JSON.
  func run(_ input: String, isJSON: Bool = false) throws(Diagnostic) {
    try check(inputs: [input])
    let images = try NpyArray(path: input)
    let batch = try model.batch(images.shape, at: .file(input))
    try write(images.values, batch, inputs: [], isJSON: isJSON)
  }

  private func check(inputs: [String]) throws(Diagnostic) {
    for (_, path) in files { try Overwriting.check(path, inputs: inputs + [model.path]) }
  }

  /// Runs a batch of inputs and writes the outputs; `inputs` are files that they are from.
  func write(
    _ values: [Float], _ batch: ImageBatch, inputs: [String], isJSON: Bool
  ) throws(Diagnostic) {
    try check(inputs: inputs)
    let names = files.map(\.output.name)
    let results = try BatchRun(model: model).run(values, batch, outputs: names)
    // What is wrong in the input is not the model's fault.
    if values.allSatisfy(\.isFinite) {
      for (output, _) in files {
        guard let wrong = NonFinite.text(results[output.name] ?? [], of: output.name) else {
          continue
        }
        throw Diagnostic(wrong, at: .file(model.path), hint: NonFinite.hint)
      }
    }
    for (output, path) in files {
      let values = results[output.name] ?? []
      let shape = model.shape(of: output, batch.size)
      try NpyArray(shape: [batch.count] + shape, values: values).write(to: path)
    }
    guard isJSON else { return }
    try JSONValue.print(
      files.map { output, path in
        ArrayReport(
          name: output.name, shape: [batch.count] + model.shape(of: output, batch.size), file: path)
      })
  }
}
