import Diagnostics
import Foundation
import IR

/// Reads transformers' `config.json`; absent keys have the defaults of its configuration classes.
enum TransformersFolder {
  static func read(
    _ root: ConfigurationObject, folder: String
  ) throws(Diagnostic) -> ModelFolder {
    let family = try family(root)
    let name = (folder as NSString).lastPathComponent
    var model: any ModelConfiguration
    var notes: [String] = []
    if family == .bit {
      model = try resNet(root, name: name)
    } else {
      model = try trunk(root, family, name: name)
    }
    try readHead(root, family, into: &model)
    try readPreprocessing(folder, family, into: &model, &notes)
    do {
      try model.check()
    } catch {
      var located = error
      located.location = .file(root.path)
      throw located
    }
    return ModelFolder(
      path: folder, configuration: model,
      names: .transformers(family, prefix: family.prefix), notes: notes)
  }

  private static func family(
    _ root: ConfigurationObject
  ) throws(Diagnostic) -> TransformersFamily {
    guard let name = try root.string("model_type") else { throw root.absent("model_type") }
    guard let family = TransformersFamily(rawValue: name) else {
      let known = TransformersFamily.allCases.map(\.rawValue)
      throw Diagnostic(
        "unknown model_type '\(name)'", at: .file(root.path),
        notes: ["known are \(known.joined(separator: ", "))"],
        hint: Suggestion.hint(for: name, in: known))
    }
    return family
  }

  private static func trunk(
    _ root: ConfigurationObject, _ family: TransformersFamily, name: String
  ) throws(Diagnostic) -> ViTConfiguration {
    let defaultPatch = family == .dinov2 ? 14 : family == .vitHybrid ? 1 : 16
    let image = try root.extent("image_size") ?? (224, 224)
    let patch = try root.extent("patch_size") ?? (defaultPatch, defaultPatch)
    guard patch.height == patch.width, patch.height > 0 else {
      throw Diagnostic(
        "'patch_size' is \(patch.height)x\(patch.width), expected a square", at: .file(root.path))
    }
    let dim = try root.integer("hidden_size") ?? 768
    var model = ViTConfiguration(
      name: name, family: family.rawValue, image: image.height, patch: patch.height, dim: dim,
      depth: try root.integer("num_hidden_layers") ?? 12,
      heads: try root.integer("num_attention_heads") ?? 12, mlpHidden: 0, classes: 0)
    model.imageWidth = image.width
    model.channels = try root.integer("num_channels") ?? 3
    if family == .vitHybrid { model.trunk = try backbone(root) }
    model.positionGrid = model.grid
    model.qkvBias = try root.bool("qkv_bias") ?? true
    model.layerNormEpsilon =
      try root.double("layer_norm_eps") ?? (family.isDinov2 ? 1e-6 : 1e-12)
    model.activation = try activation(root)
    model.numerics = .huggingFace
    model.positionResize = family == .dinov2WithRegisters ? .bicubicAntialiased : .bicubic
    if family.isDinov2 {
      model.layerScale = true
      model.mlpHidden = try scaledWidth(dim, root, "mlp_ratio")
      if try root.bool("use_swiglu_ffn") ?? false {
        model.feedForward = .gated
        model.activation = .silu
        // Dinov2SwiGLUFFN: two thirds, rounded up to a multiple of 8.
        model.mlpHidden = (Int(Double(model.mlpHidden) * 2 / 3) + 7) / 8 * 8
      }
    } else {
      model.mlpHidden = try root.integer("intermediate_size") ?? 3072
    }
    if family == .dinov2WithRegisters {
      model.registerTokens = try root.integer("num_register_tokens") ?? 4
    }
    if family == .deit {
      model.hasDistillationToken = true
      model.positionPrefix = 2
    }
    return model
  }

  private static func scaledWidth(
    _ dim: Int, _ root: ConfigurationObject, _ key: String
  ) throws(Diagnostic) -> Int {
    let ratio = try root.double(key) ?? 4
    guard ratio > 0, ratio < 1000, let width = Int(exactly: (Double(dim) * ratio).rounded(.down))
    else {
      throw Diagnostic("'\(key)' is \(ratio), expected 0 to 1000", at: .file(root.path))
    }
    return width
  }

  /// transformers' names of the functions (`ACT2FN`).
  private static func activation(
    _ root: ConfigurationObject
  ) throws(Diagnostic) -> ActivationFunction {
    let name = try root.string("hidden_act") ?? "gelu"
    let known: [String: ActivationFunction] = [
      "gelu": .gelu, "gelu_python": .gelu, "gelu_new": .geluTanh, "gelu_fast": .geluTanh,
      "gelu_pytorch_tanh": .geluTanh, "gelu_python_tanh": .geluTanh, "quick_gelu": .quickGelu,
      "silu": .silu, "swish": .silu, "relu": .relu,
    ]
    guard let function = known[name] else {
      throw Diagnostic(
        "unknown 'hidden_act' '\(name)'", at: .file(root.path),
        notes: ["known are \(known.keys.sorted().joined(separator: ", "))"],
        hint: Suggestion.hint(for: name, in: known.keys.sorted()))
    }
    return function
  }

  /// `architectures[0]` says which head; where it is absent, labels say that there is one.
  private static func readHead(
    _ root: ConfigurationObject, _ family: TransformersFamily,
    into model: inout any ModelConfiguration
  ) throws(Diagnostic) {
    var architecture: String?
    if let value = root.value("architectures") {
      guard case .array(let names) = value else {
        throw root.mistyped("architectures", value, expected: "an array of strings")
      }
      if let first = names.first {
        guard case .string(let name) = first else {
          throw root.mistyped("architectures", first, expected: "an array of strings")
        }
        architecture = name
      }
    }
    let labelled = root.value("id2label") != nil || root.value("num_labels") != nil
    let isTeacher = architecture?.hasSuffix("ForImageClassificationWithTeacher") ?? false
    let isClassifier = architecture?.hasSuffix("ForImageClassification") ?? labelled
    guard isTeacher || isClassifier else { return }
    if isTeacher {
      guard family == .deit else {
        throw Diagnostic(
          "architecture '\(architecture ?? "")' does not go with model_type '\(family.rawValue)'",
          at: .file(root.path))
      }
    }
    if isTeacher || family.isDinov2, var vit = model as? ViTConfiguration {
      vit.pooling = isTeacher ? .distilled : .tokenAndAverage
      model = vit
    }
    model.labels = try labels(root)
    // PretrainedConfig's default is two labels.
    model.classes =
      model.labels.isEmpty ? try root.integer("num_labels") ?? 2 : model.labels.count
  }

  /// `id2label`: an object whose keys are 0, 1, … in any order.
  private static func labels(_ root: ConfigurationObject) throws(Diagnostic) -> [String] {
    guard let table = try root.object("id2label") else { return [] }
    var labels = [String?](repeating: nil, count: table.members.count)
    for (key, value) in table.members {
      guard let index = Int(key), labels.indices.contains(index) else {
        throw Diagnostic(
          "'id2label' has the key '\(key)', expected 0 to \(labels.count - 1)",
          at: .file(root.path))
      }
      guard case .string(let label) = value else {
        throw table.mistyped(key, value, expected: "a string")
      }
      labels[index] = label
    }
    return labels.map { $0 ?? "" }
  }

  private static func readPreprocessing(
    _ folder: String, _ family: TransformersFamily, into model: inout any ModelConfiguration,
    _ notes: inout [String]
  ) throws(Diagnostic) {
    let grid = (model as? ViTConfiguration)?.grid ?? [model.imageHeight, model.imageWidth]
    guard model.channels == 3, grid[0] > 0, grid[1] > 0 else { return }
    let image = (height: model.imageHeight, width: model.imageWidth)
    let path = (folder as NSString).appendingPathComponent("preprocessor_config.json")
    guard FileManager.default.fileExists(atPath: path) else {
      let (specification, crop) = ProcessorFile.assumed(family)
      model.preprocessing = specification.scaled(from: crop, to: image)
      notes.append(
        "no preprocessor_config.json: images are made ready as is usual for "
          + family.rawValue)
      return
    }
    let root = try ConfigurationFile(path: path).root
    guard let (specification, crop) = try ProcessorFile.read(root, family, image) else {
      notes.append("preprocessor_config.json names an unknown processor: no preprocessing")
      return
    }
    model.preprocessing = specification.scaled(from: crop, to: image)
    guard crop != image, crop.height > 0, crop.width > 0 else { return }
    // DINOv2 takes any size, and its processor decides: hub folders say image_size 518, crop 224.
    let patch = (model as? ViTConfiguration)?.patch ?? 1
    let isFree = family.isDinov2 && crop.height % patch == 0 && crop.width % patch == 0
    // A ResNet's configuration says nothing of a size.
    guard isFree || family == .bit else { return }
    model.preprocessing = specification
    model.imageHeight = crop.height
    model.imageWidth = crop.width
    if isFree {
      notes.append(
        "input is \(crop.height)x\(crop.width), as preprocessor_config.json crops; "
          + "positions were trained for \(image.height)x\(image.width)")
    }
  }
}
