import Diagnostics
import Files

/// Reads a folder of transformers: `config.json` as the family of its `model_type` reads it, and
/// `preprocessor_config.json`.
enum TransformersFolder {
  static func read(
    _ root: ConfigurationObject, folder: String
  ) throws(Diagnostic) -> ModelFolder {
    let type = try modelType(root)
    let model = try type.read(root, Path.name(of: folder))
    var found = ModelFolder(
      path: folder, model: model, naming: TransformersNaming(prefix: type.prefix))
    try readPreprocessing(type, into: &found)
    do {
      try found.model.check()
    } catch {
      var located = error
      located.location = .file(root.path)
      throw located
    }
    if let note = try BackboneFolder.note(root, found.model) { found.notes.append(note) }
    found.labels = try LabelTable.transformers(root)
    found.setLabels()
    return found
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
      if let feature = MissingFeature.ofTransformers(name) {
        throw Diagnostic(
          "model_type '\(name)' needs \(feature), which vitc does not have", at: .file(root.path))
      }
      let known = Families.modelTypes.map(\.modelType)
      throw Diagnostic(
        "unknown model_type '\(name)'", at: .file(root.path),
        notes: ["known are \(ShortList.text(known))"],
        hint: Suggestion.hint(for: name, in: known) ?? "Docs/Models.md lists all")
    }
    return type
  }

  private static func readPreprocessing(
    _ type: TransformersModel, into found: inout ModelFolder
  ) throws(Diagnostic) {
    guard found.model.channels == 3, (try? found.model.check()) != nil else { return }
    let image = (height: found.model.imageHeight, width: found.model.imageWidth)
    guard let root = try processor(in: found.path ?? "") else {
      guard let assumed = type.assumed else {
        found.model.preprocessingRefusal =
          ProcessorClass.named(type.processor)?.rule == .patches
          ? "there is no preprocessor_config.json, which says how many patches a photo becomes"
          : ProcessorClass.refused.contains(type.processor)
            ? "vitc does not follow the image processor '\(type.processor)ImageProcessor'"
            : "transformers has no image processor for '\(type.modelType)', and there is no "
              + "preprocessor_config.json"
        return
      }
      let crop = (height: assumed.crop, width: assumed.crop)
      var specification = assumed.specification.scaled(from: crop, to: image)
      if ProcessorClass.named(type.processor)?.convertsToRGB ?? false {
        specification.alpha = .onWhite
      }
      found.model.preprocessing = specification
      found.notes.append(
        "no preprocessor_config.json: using \(type.modelType)'s default preprocessing")
      return
    }
    switch try ProcessorFile.read(root, type.processor, image, &found.warnings) {
    case .refused(let reason):
      found.model.preprocessingRefusal = reason
      found.warnings.append(
        Diagnostic(
          "photos cannot be preprocessed: \(reason)", severity: .warning, at: .file(root.path),
          hint: "the library runs images that are already preprocessed"))
    case .known(let specification, let crop):
      apply(specification, crop, type, to: &found)
    }
  }

  /// The file of the image processor: a member of processor_config.json, which transformers 5
  /// writes for models of images and texts, before a file of its own.
  private static func processor(
    in folder: String
  ) throws(Diagnostic) -> ConfigurationObject? {
    func object(_ name: String) throws(Diagnostic) -> ConfigurationObject? {
      let path = Path.joining(folder, name)
      guard Path.exists(path) else { return nil }
      return try ConfigurationFile(path: path).root
    }
    if let nested = try object("processor_config.json")?.object("image_processor") {
      return nested
    }
    return try object("preprocessor_config.json")
  }

  /// Takes over a specification, and what its crop says of the image size.
  private static func apply(
    _ specification: Preprocessing, _ crop: (height: Int, width: Int), _ type: TransformersModel,
    to found: inout ModelFolder
  ) {
    let image = (height: found.model.imageHeight, width: found.model.imageWidth)
    found.model.preprocessing = specification.scaled(from: crop, to: image)
    guard crop != image else { return }
    switch type.crop {
    case .isScaled:
      found.notes.append(
        "the image processor makes images of \(crop.height)x\(crop.width), the model takes "
          + "\(image.height)x\(image.width): its resize is scaled")
      return
    case .isImage: break
    case .isImageIfPatchesFit:
      // DINOv2's hub folders say image_size 518, crop 224.
      guard found.model.problem(extent: crop.height, "height") == nil,
        found.model.problem(extent: crop.width, "width") == nil
      else { return }
      found.notes.append(
        "input is \(crop.height)x\(crop.width), as preprocessor_config.json crops; "
          + "positions were trained for \(image.height)x\(image.width)")
    }
    found.model.preprocessing = specification
    found.model.imageHeight = crop.height
    found.model.imageWidth = crop.width
  }
}
