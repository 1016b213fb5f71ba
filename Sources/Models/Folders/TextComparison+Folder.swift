import Diagnostics
import Files

extension TextComparison {
  /// Reads how a folder with two towers compares images with texts.
  ///
  /// The scale is the power of `logit_scale`, for AIMv2 kept from 1 to `max_logit_scale`; the bias
  /// is `logit_bias`, or 0. SigLIP's scores are a sigmoid of each logit, those of the others a
  /// softmax; of OpenCLIP's folders those with a bias have a sigmoid.
  ///
  /// - Parameters:
  ///   - folder: The model: transformers' `clip`, `metaclip_2`, `altclip`, `chinese_clip`,
  ///     `siglip`, `siglip2` or `aimv2`, or OpenCLIP's.
  ///   - weights: A checkpoint elsewhere; `nil`: the folder's own.
  /// - Throws: A folder of another kind, by name; a checkpoint without `logit_scale`.
  public static func read(folder: String, weights: String?) throws(Diagnostic) -> TextComparison {
    let hint = "'--fit-head' makes classes of photos instead of words"
    guard Path.kind(of: folder) == .folder else {
      throw Diagnostic(
        "'\(folder)' is not a model folder, so nothing says how images are compared with texts",
        at: .argument("--classes"), hint: hint)
    }
    var rule = Rule()
    if RegularFile.size(Path.joining(folder, "open_clip_config.json")) == nil {
      let root = try ConfigurationFile(path: Path.joining(folder, "config.json")).root
      let type = try root.string("model_type") ?? ""
      guard Self.types.contains(type) else {
        throw Diagnostic(
          "a model of the type '\(type)' does not compare images with texts, expected one of "
            + Self.types.map { "'\($0)'" }.joined(separator: ", "), at: .file(root.path),
          hint: hint)
      }
      if let architecture = try TransformersHead.architecture(root),
        architecture.hasSuffix("ForImageClassification")
      {
        throw Diagnostic(
          "'\(architecture)' has classes of its own, and does not compare images with texts",
          at: .file(root.path), hint: hint)
      }
      rule.scores = type.hasPrefix("siglip") ? .sigmoid : .softmax
      if type == "aimv2" { rule.largestScale = try root.double("max_logit_scale") ?? 100 }
    }
    return try read(rule, from: weights ?? folder)
  }

  /// The types of transformers' models that compare images with texts by a cosine.
  private static let types = [
    "clip", "metaclip_2", "altclip", "chinese_clip", "siglip", "siglip2", "aimv2",
  ]

  private static func read(
    _ rule: Rule, from path: String
  ) throws(Diagnostic) -> TextComparison {
    guard !path.hasPrefix("seed:") else {
      throw Diagnostic(
        "pseudo-random weights have no 'logit_scale', which says how images are compared with "
          + "texts",
        at: .argument("--weights"))
    }
    let checkpoint = try CheckpointFile.open(path: path)
    guard
      let found = try read(rule, in: checkpoint, scale: "logit_scale", bias: "logit_bias")
    else {
      throw Diagnostic(
        "the checkpoint has no 'logit_scale', so it does not say how images are compared with "
          + "texts",
        at: .file(checkpoint.path), hint: "give the checkpoint of both towers")
    }
    return found
  }
}
