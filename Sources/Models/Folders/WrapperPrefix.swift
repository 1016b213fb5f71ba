/// What wrappers put before the names of a model's tensors: `module.` (DataParallel, an averaged
/// model), `_orig_mod.` (torch.compile), `timm_model.` (transformers around timm), and the
/// attributes that training code keeps a model in; in any order, as in `module._orig_mod.`.
enum WrapperPrefix {
  private static let words: Set<Substring> = [
    "module", "model", "_orig_mod", "timm_model", "net", "backbone",
  ]
  /// Longer prefixes than any that wrappers within wrappers make.
  private static let mostWords = 8

  /// What a checkpoint's names are after the prefix.
  enum Finding {
    /// They have none that hides what they are.
    case none
    /// The stored names by those without prefix.
    case stripped(prefix: String, stored: [String: String])
    /// More than one could be meant; why.
    case ambiguous(String)
  }

  /// Looks for the prefix after which names are those of a naming that vitc knows.
  static func find(in names: [String]) -> Finding {
    if isKnown(names) { return .none }
    var candidates: Set<[Substring]> = []
    let runs = names.map { run($0) }
    for run in runs { for count in 0..<run.count { candidates.insert(Array(run[...count])) } }
    let found = candidates.filter { candidate in
      isKnown(
        zip(names, runs).filter { $1.starts(with: candidate) }
          .map { name, _ in String(name.dropFirst(text(candidate).count)) })
    }
    guard let prefix = found.first else { return .none }
    guard found.count == 1 else {
      let all = found.map { "'\(text($0))'" }.sorted().joined(separator: " and ")
      return .ambiguous("the names after \(all) are each a model's")
    }
    var stored: [String: String] = [:]
    for (name, run) in zip(names, runs) {
      // A head may lie beside the body, after a part of its prefix or none of it.
      let common = zip(run, prefix).prefix { $0 == $1 }.map(\.0)
      let short = String(name.dropFirst(text(common).count))
      if let other = stored.updateValue(name, forKey: short) {
        return .ambiguous(
          "without '\(text(prefix))', '\(other)' and '\(name)' have the same name")
      }
    }
    return .stripped(prefix: text(prefix), stored: stored)
  }

  /// The words of wrappers that a name begins with.
  private static func run(_ name: String) -> [Substring] {
    let parts = name.split(separator: ".", maxSplits: mostWords, omittingEmptySubsequences: false)
    return Array(parts.dropLast().prefix { words.contains($0) })
  }

  private static func text(_ words: [Substring]) -> String {
    words.map { "\($0)." }.joined()
  }

  /// `true` iff names are those of a naming, without the prefix of a wrapper.
  private static func isKnown(_ names: [String]) -> Bool {
    guard let naming = Families.naming(of: names) else { return false }
    return (naming as? TransformersNaming).map { run($0.prefix).isEmpty } ?? true
  }
}
