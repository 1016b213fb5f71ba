import Diagnostics
import Files

/// A model folder as the Hugging Face hub has them, read up to the weights.
struct ModelFolder {
  /// The folder; `nil` for a variant that is known by name.
  var path: String?
  var model: any Family
  /// How the checkpoint names its tensors.
  var naming: any Naming
  /// `config.json`; `nil` for a variant that is known by name.
  var configuration: ConfigurationObject?
  /// The names of the classes as the configuration has them.
  var labels: LabelTable?
  var notes: [String]
  /// What the user should know of the checkpoint.
  var warnings: [Diagnostic] = []
  /// What the user should know of the labels.
  private(set) var labelWarning: Diagnostic?

  init(path: String?, model: any Family, naming: any Naming, notes: [String] = []) {
    self.path = path
    self.model = model
    self.naming = naming
    self.notes = notes
  }

  /// Makes the labels those of the number of classes that the model has now.
  mutating func setLabels() {
    (model.labels, labelWarning) = labels?.labels(classes: model.classes) ?? ([], nil)
  }

  /// Reads what the head was trained for.
  private mutating func setScores(_ root: ConfigurationObject) throws(Diagnostic) {
    guard let name = try root.string("problem_type") else { return }
    guard let problem = ProblemType(rawValue: name) else {
      let known = ProblemType.allCases.map(\.rawValue)
      warnings.append(
        Diagnostic(
          "unknown 'problem_type' '\(name)': scores are as if there were none",
          severity: .warning, at: .file(root.path),
          notes: ["known are \(known.joined(separator: ", "))"],
          hint: Suggestion.hint(for: name, in: known) ?? "--scores says what they are"))
      return
    }
    model.facts.scores = problem.scores
  }

  /// Reads `config.json`, and `preprocessor_config.json` if there is one; without the former,
  /// `open_clip_config.json`.
  init(path: String) throws(Diagnostic) {
    let configurationPath = Path.joining(path, "config.json")
    guard Path.exists(configurationPath) else {
      let other = Path.joining(path, OpenCLIPFolder.fileName)
      if Path.exists(other) {
        self = try OpenCLIPFolder.read(ConfigurationFile(path: other).root, folder: path)
        return
      }
      throw Diagnostic(
        "the folder has no config.json", at: .file(path),
        hint: "a model folder holds config.json and model.safetensors, as on the Hugging Face hub")
    }
    let root = try ConfigurationFile(path: configurationPath).root
    if root.value("architecture") != nil {
      self = try TimmFolder.read(root, folder: path)
    } else if root.value("model_type") != nil {
      self = try TransformersFolder.read(root, folder: path)
    } else {
      throw Diagnostic(
        "neither 'model_type' (transformers) nor 'architecture' (timm) is present",
        at: .file(configurationPath))
    }
    configuration = root
    try setScores(root)
  }
}
