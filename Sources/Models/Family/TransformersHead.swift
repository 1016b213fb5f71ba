import Diagnostics
import JSON

/// The head that a folder of transformers has: `architectures[0]` says which; where it is absent,
/// labels say that there is one.
struct TransformersHead {
  /// `true` iff a second head reads the distillation token: `…ForImageClassificationWithTeacher`.
  var hasTeacher = false
  /// The number of classes; at least 1.
  var classes: Int

  /// What architectures with one head end in, and those with one for each token.
  static let suffixes = ["ForImageClassification", "ForImageClassificationWithTeacher"]

  /// Reads which head there is; `nil`: none.
  ///
  /// - Parameter teacher: `true` iff models of this type may have a second head.
  init?(
    _ root: ConfigurationObject, _ modelType: String, teacher: Bool = false
  ) throws(Diagnostic) {
    let architecture = try Self.architecture(root)
    let labelled = root.value("id2label") != nil || root.value("num_labels") != nil
    hasTeacher = architecture?.hasSuffix(Self.suffixes[1]) ?? false
    let isClassifier = architecture?.hasSuffix(Self.suffixes[0]) ?? labelled
    guard hasTeacher || isClassifier else { return nil }
    guard !hasTeacher || teacher else {
      throw Diagnostic(
        "architecture '\(architecture ?? "")' does not go with model_type '\(modelType)'",
        at: .file(root.path))
    }
    // PretrainedConfig's default is two labels.
    let labels = try LabelTable.transformers(root).count
    classes = labels > 0 ? labels : try root.integer("num_labels") ?? 2
  }

  /// `architectures[0]`; `nil` where there is none.
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
}

extension HasModelFacts {
  /// Takes over the classes of a folder's head.
  mutating func setHead(_ head: TransformersHead) { classes = head.classes }
}
