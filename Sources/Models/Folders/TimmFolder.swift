import Diagnostics

/// Reads timm's `config.json`: the architecture's name implies what `model_args` does not say.
enum TimmFolder {
  static func read(
    _ root: ConfigurationObject, folder: String
  ) throws(Diagnostic) -> ModelFolder {
    guard let architecture = try root.string("architecture") else {
      throw root.absent("architecture")
    }
    var model = try variant(architecture, root).model
    let pretrained = try root.object("pretrained_cfg") ?? root
    if let size = try pretrained.doubles("input_size") {
      guard size.count == 3, let channels = Int(exactly: size[0]),
        let height = Int(exactly: size[1]), let width = Int(exactly: size[2])
      else {
        throw Diagnostic(
          "'input_size' has \(size.count) numbers, expected channels, height and width",
          at: .file(root.path))
      }
      for extent in [channels, height, width] where extent < 1 || extent > 1 << 20 {
        throw Diagnostic(
          "'input_size' has the extent \(extent), expected 1 to \(1 << 20)", at: .file(root.path))
      }
      (model.channels, model.imageHeight, model.imageWidth) = (channels, height, width)
    }
    let arguments =
      try root.object("model_args")
      ?? ConfigurationObject(path: root.path, prefix: "model_args.", members: [:])
    let pools = (try arguments.string("global_pool"), try root.string("global_pool"))
    try model.apply(TimmArguments(object: arguments, pool: pools.0 ?? pools.1))
    for object in [pretrained, root, arguments] {
      model.classes = try object.integer("num_classes") ?? model.classes
    }
    model.preprocessing = try preprocessing(pretrained, model)
    do {
      try model.check()
    } catch {
      var located = error
      located.location = .file(root.path)
      throw located
    }
    var result = ModelFolder(path: folder, model: model, naming: TimmNaming())
    result.labels = try LabelTable.timm(root)
    result.setLabels()
    return result
  }

  private static func variant(
    _ architecture: String, _ root: ConfigurationObject
  ) throws(Diagnostic) -> Variant {
    guard let variant = Variants.all.first(where: { $0.name == architecture }) else {
      if let feature = MissingFeature.ofTimm(architecture) {
        throw Diagnostic(
          "architecture '\(architecture)' needs \(feature), which vitc does not have",
          at: .file(root.path))
      }
      let names = Variants.all.map(\.name)
      throw Diagnostic(
        "unknown architecture '\(architecture)'", at: .file(root.path),
        hint: Suggestion.hint(for: architecture, in: names) ?? "'vitc list' prints all names")
    }
    return variant
  }

  private static func preprocessing(
    _ pretrained: ConfigurationObject, _ model: any Family
  ) throws(Diagnostic) -> Preprocessing? {
    guard model.channels == 3, model.imageHeight > 0, model.imageWidth > 0 else { return nil }
    // The defaults are those of timm's resolve_data_config.
    let filterName = try pretrained.string("interpolation") ?? "bicubic"
    let modeName = try pretrained.string("crop_mode") ?? "center"
    guard let filter = Preprocessing.Filter(named: filterName) else {
      throw Diagnostic(
        "unknown interpolation '\(filterName)'", at: .file(pretrained.path),
        notes: [
          "known are \(Preprocessing.Filter.allCases.map { "\($0)" }.joined(separator: ", "))"
        ])
    }
    // Any other mode is timm's default.
    let mode = Preprocessing.TimmCrop.Mode(rawValue: modeName) ?? .center
    let cropFraction = try pretrained.double("crop_pct") ?? 0.875
    guard cropFraction > 0.01, cropFraction < 100 else {
      throw Diagnostic(
        "'crop_pct' is \(cropFraction), expected 0.01 to 100", at: .file(pretrained.path))
    }
    let mean = try pretrained.doubles("mean") ?? Preprocessing.imageNet.0
    let deviation = try pretrained.doubles("std") ?? Preprocessing.imageNet.1
    guard mean.count == 3, deviation.count == 3, !deviation.contains(0) else {
      throw Diagnostic(
        "'mean' and 'std' have \(mean.count) and \(deviation.count) numbers, expected 3 each, "
          + "no deviation zero", at: .file(pretrained.path))
    }
    let specification = Preprocessing.timm(
      height: model.imageHeight, width: model.imageWidth, cropFraction: cropFraction, mode: mode,
      filter: filter, mean: mean, deviation: deviation)
    guard specification.isFinite else {
      throw Diagnostic(
        "'std' is too small or too large for 32-bit floats", at: .file(pretrained.path))
    }
    return specification
  }
}
