import Diagnostics
import JSON

/// A `model_type` of transformers that a family answers to: how its folders are read.
struct TransformersModel: Sendable {
  /// What a preprocessor's crop says of the image size.
  enum CropRule: Sendable {
    /// Nothing: the configuration does.
    case isScaled
    /// The crop is the image size, if whole patches cover it: the model takes any size.
    case isImageIfPatchesFit
    /// The crop is the image size: the configuration says none.
    case isImage
  }

  /// What folders without `preprocessor_config.json` are assumed to mean.
  struct AssumedPreprocessing: Sendable {
    var specification: Preprocessing
    /// What the specification crops to.
    var crop = 224

    init(
      mode: Preprocessing.Mode, edge: Int, _ filter: Preprocessing.Filter,
      _ constants: ([Double], [Double])
    ) {
      specification = Preprocessing(
        mode: mode, resizeWidth: edge, resizeHeight: edge, filter: filter, mean: constants.0,
        deviation: constants.1, cropRounding: .down)
    }
  }

  /// The `model_type`.
  let modelType: String
  /// What precedes the body's tensors in a file written from a model with a head.
  let prefix: String
  /// The tensors that its checkpoints are known by, without prefix.
  let anchor: Anchor
  /// The image processor where `preprocessor_config.json` names none: transformers' class, without
  /// `ImageProcessor`.
  let processor: String
  /// What holds without `preprocessor_config.json`: what the hub's folders of this type say.
  let assumed: AssumedPreprocessing
  /// What a preprocessor's crop says of the image size.
  let crop: CropRule
  /// Reads the configuration, for a model of this name.
  ///
  /// Absent keys have the defaults of transformers' configuration class.
  let read: @Sendable (ConfigurationObject, String) throws(Diagnostic) -> any Family
}

/// The head that a folder of transformers has: `architectures[0]` says which; where it is absent,
/// labels say that there is one.
struct TransformersHead {
  /// `true` iff a second head reads the distillation token: `…ForImageClassificationWithTeacher`.
  var hasTeacher = false
  /// The number of classes; at least 1.
  var classes: Int
  /// Their names, or none.
  var labels: [String]

  /// Reads which head there is; `nil`: none.
  ///
  /// - Parameter teacher: `true` iff models of this type may have a second head.
  init?(
    _ root: ConfigurationObject, _ modelType: String, teacher: Bool = false
  ) throws(Diagnostic) {
    let architecture = try Self.architecture(root)
    let labelled = root.value("id2label") != nil || root.value("num_labels") != nil
    hasTeacher = architecture?.hasSuffix("ForImageClassificationWithTeacher") ?? false
    let isClassifier = architecture?.hasSuffix("ForImageClassification") ?? labelled
    guard hasTeacher || isClassifier else { return nil }
    guard !hasTeacher || teacher else {
      throw Diagnostic(
        "architecture '\(architecture ?? "")' does not go with model_type '\(modelType)'",
        at: .file(root.path))
    }
    labels = try Self.labels(root)
    // PretrainedConfig's default is two labels.
    classes = labels.isEmpty ? try root.integer("num_labels") ?? 2 : labels.count
  }

  static func architecture(_ root: ConfigurationObject) throws(Diagnostic) -> String? {
    guard let value = root.value("architectures") else { return nil }
    guard case .array(let names) = value else {
      throw root.mistyped("architectures", value, expected: "an array of strings")
    }
    guard let first = names.first else { return nil }
    guard case .string(let name) = first else {
      throw root.mistyped("architectures", first, expected: "an array of strings")
    }
    return name
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
}

extension HasModelFacts {
  /// Takes over the classes of a folder's head.
  mutating func setHead(_ head: TransformersHead) {
    labels = head.labels
    classes = head.classes
  }
}
