import Diagnostics
import Foundation

/// A model folder as the Hugging Face hub has them, read up to the weights.
struct ModelFolder {
  /// The folder; `nil` for a variant that is known by name.
  var path: String?
  var model: any Family
  /// How the checkpoint names its tensors.
  var naming: any Naming
  var notes: [String]
  /// What the user should know of the checkpoint.
  var warnings: [Diagnostic] = []

  init(path: String?, model: any Family, naming: any Naming, notes: [String] = []) {
    self.path = path
    self.model = model
    self.naming = naming
    self.notes = notes
  }

  /// Reads `config.json`, and `preprocessor_config.json` if there is one; without the former,
  /// `open_clip_config.json`.
  init(path: String) throws(Diagnostic) {
    let configurationPath = (path as NSString).appendingPathComponent("config.json")
    guard FileManager.default.fileExists(atPath: configurationPath) else {
      let other = (path as NSString).appendingPathComponent(OpenCLIPFolder.fileName)
      if FileManager.default.fileExists(atPath: other) {
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
  }
}
