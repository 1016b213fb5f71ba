import Diagnostics
import Foundation

/// Reads a folder of transformers: `config.json` as the family of its `model_type` reads it, and
/// `preprocessor_config.json`.
enum TransformersFolder {
  static func read(
    _ root: ConfigurationObject, folder: String
  ) throws(Diagnostic) -> ModelFolder {
    let type = try modelType(root)
    var model = try type.read(root, (folder as NSString).lastPathComponent)
    var notes: [String] = []
    try readPreprocessing(folder, type, into: &model, &notes)
    do {
      try model.check()
    } catch {
      var located = error
      located.location = .file(root.path)
      throw located
    }
    if let note = try BackboneFolder.note(root, model) { notes.append(note) }
    var result = ModelFolder(
      path: folder, model: model, naming: TransformersNaming(prefix: type.prefix), notes: notes)
    result.labels = try LabelTable.transformers(root)
    result.setLabels()
    return result
  }

  /// `true` iff a configuration is one of transformers'.
  static func isRead(_ root: ConfigurationObject) -> Bool {
    root.value("architecture") == nil && root.value("model_type") != nil
  }

  private static func modelType(
    _ root: ConfigurationObject
  ) throws(Diagnostic) -> TransformersModel {
    guard let name = try root.string("model_type") else { throw root.absent("model_type") }
    guard let type = Families.modelTypes.first(where: { $0.modelType == name }) else {
      let known = Families.modelTypes.map(\.modelType)
      throw Diagnostic(
        "unknown model_type '\(name)'", at: .file(root.path),
        notes: ["known are \(known.joined(separator: ", "))"],
        hint: Suggestion.hint(for: name, in: known))
    }
    return type
  }

  private static func readPreprocessing(
    _ folder: String, _ type: TransformersModel, into model: inout any Family,
    _ notes: inout [String]
  ) throws(Diagnostic) {
    guard model.channels == 3, (try? model.check()) != nil else { return }
    let image = (height: model.imageHeight, width: model.imageWidth)
    let path = (folder as NSString).appendingPathComponent("preprocessor_config.json")
    guard FileManager.default.fileExists(atPath: path) else {
      let crop = (height: type.assumed.crop, width: type.assumed.crop)
      model.preprocessing = type.assumed.specification.scaled(from: crop, to: image)
      notes.append(
        "no preprocessor_config.json: using \(type.modelType)'s default preprocessing")
      return
    }
    let root = try ConfigurationFile(path: path).root
    guard let (specification, crop) = try ProcessorFile.read(root, type.processor, image) else {
      notes.append("preprocessor_config.json names an unknown processor: no preprocessing")
      return
    }
    model.preprocessing = specification.scaled(from: crop, to: image)
    guard crop != image, crop.height > 0, crop.width > 0 else { return }
    switch type.crop {
    case .isScaled: return
    case .isImage: break
    case .isImageIfPatchesFit:
      // DINOv2's hub folders say image_size 518, crop 224.
      guard model.problem(extent: crop.height, "height") == nil,
        model.problem(extent: crop.width, "width") == nil
      else { return }
      notes.append(
        "input is \(crop.height)x\(crop.width), as preprocessor_config.json crops; "
          + "positions were trained for \(image.height)x\(image.width)")
    }
    model.preprocessing = specification
    model.imageHeight = crop.height
    model.imageWidth = crop.width
  }
}
