import Diagnostics
import Files
import VitRuntime

/// Where `vitc embed` puts rows: what one argument of `--output` says.
struct RowTarget {
  /// What a file holds.
  enum Form: String {
    /// One output, as NumPy's `.npy`.
    case array
    /// Outputs by name and the photos' paths, as NumPy's `.npz`.
    case archive
    /// A JSON object on each line.
    case lines
  }

  /// The file; `nil` for standard output.
  let path: String?
  /// What it holds.
  let form: Form
  /// The outputs in it.
  let tensors: [VitDescription.Tensor]

  /// Whether an interrupted job can go on with it.
  var isResumable: Bool { path != nil && form != .archive }

  /// What a file will hold.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - isLines: Whether every file gets lines, whatever its name.
  ///
  /// Errors: its ending says nothing; it is there and no regular file, whose place the finished
  /// file would take.
  static func form(of path: String, isLines: Bool) throws(Diagnostic) -> Form {
    guard !Path.exists(path) || RegularFile.size(path) != nil else {
      throw Diagnostic(
        "expected a regular file or none, found a folder, pipe or device", at: .file(path),
        hint: "without --output, --jsonl writes to standard output")
    }
    if isLines { return .lines }
    let forms: KeyValuePairs = ["npy": Form.array, "npz": .archive, "jsonl": .lines]
    try OutputEnding.check(
      path, forms.map(\.key), hint: "--jsonl writes lines of JSON whatever the name")
    return forms.first { $0.key == OutputEnding.of(path) }?.value ?? .array
  }

  /// Reads the `--output` arguments.
  ///
  /// - Parameters:
  ///   - arguments: `FILE` or `NAME=FILE` each; without any, lines go to standard output.
  ///   - isLines: Whether every file gets lines, whatever its name.
  ///   - model: The model.
  ///
  /// Errors: an output that the model has not; one file named twice.
  static func read(
    _ arguments: [String], isLines: Bool, of model: CompiledModel
  ) throws(Diagnostic) -> [RowTarget] {
    if arguments.isEmpty {
      return [RowTarget(path: nil, form: .lines, tensors: model.description.outputs)]
    }
    var targets: [RowTarget] = []
    for argument in arguments {
      let (name, path) = ArrayRun.parts(argument)
      let form = try form(of: path, isLines: isLines)
      let tensors =
        if let name {
          [try model.output(name)]
        } else if form == .array {
          [try model.first()]
        } else {
          model.description.outputs
        }
      guard !targets.contains(where: { $0.path == path }) else {
        throw Diagnostic("two outputs go to '\(path)'", at: .argument("--output"))
      }
      targets.append(RowTarget(path: path, form: form, tensors: tensors))
    }
    return targets
  }
}
