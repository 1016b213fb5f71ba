import Diagnostics
import JSON

/// The arguments that timm's constructor was given, on top of its architecture's.
struct TimmArguments {
  /// `model_args`.
  let object: ConfigurationObject
  /// `global_pool`, which may lie outside of it.
  let pool: String?

  /// Arguments that do not change inference.
  private static let harmless: Set<String> = [
    "drop_rate", "pos_drop_rate", "patch_drop_rate", "proj_drop_rate", "attn_drop_rate",
    "drop_path_rate", "weight_init", "fix_init", "dynamic_img_size", "strict_img_size",
    "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "scriptable",
    "exportable", "num_classes", "global_pool", "cache_dir", "features_only", "zero_init_last",
    "device", "dtype",
  ]

  /// Throws if there is an argument that matters and is not read.
  ///
  /// - Parameter defaults: what arguments that are not read may say, being what holds anyway.
  func refuseOthers(
    than read: Set<String>, defaults: [String: JSONValue] = [:]
  ) throws(Diagnostic) {
    let known = read.union(Self.harmless)
    for (key, value) in object.members.sorted(by: { $0.key < $1.key }) where !known.contains(key) {
      // Where nothing is known of an argument, false leaves something out that vitc does not have.
      let usual = defaults[key] ?? .bool(false)
      if value == .null || value == usual || value.isSameNumber(as: usual) { continue }
      throw Diagnostic(
        "'model_args.\(key)' is \(value.described), which vitc does not support",
        at: .file(object.path), hint: Suggestion.hint(for: key, in: read.sorted()))
    }
  }
}
