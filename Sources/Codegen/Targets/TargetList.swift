import Diagnostics
import IR

/// `--target`: the instruction sets of one library.
///
/// The grammar: targets with commas, each a name of the table, the part of one after its last
/// hyphen (`v3`), the name of an architecture that has a single target (`aarch64`), or one of the
/// words `host` (the best that this machine runs) and `portable` (all of this machine's
/// architecture). A name, not a word, may be followed by features: `v4+bf16+vnni`.
extension Target {
  /// What a word of `--target` may be for besides a target.
  private static let words = [portableWord, "host"]
  /// The word for all that this machine's architecture has.
  public static let portableWord = "portable"
  /// Names that are neither a target's own nor what follows its last hyphen.
  private static let aliases = ["aarch64": Target.aarch64]

  /// Returns the targets that `list` names, from the baseline to the best, so that their order
  /// in the list does not matter.
  ///
  /// - Throws: an unknown name or feature, one that the target cannot have, a target named twice,
  ///   targets of two architectures.
  public static func list(_ list: String) throws(Diagnostic) -> [Target] {
    var targets: [Target] = []
    for word in list.split(separator: ",", omittingEmptySubsequences: false) {
      for target in try Self.targets(named: String(word)) {
        if let twin = targets.first(where: { Set($0.requirements) == Set(target.requirements) }),
          twin.triple == target.triple
        {
          throw Diagnostic(
            twin == target
              ? "target '\(target.name)' is named twice"
              : "'\(twin.name)' and '\(target.name)' are the same instruction set",
            at: .argument("--target"))
        }
        targets.append(target)
      }
    }
    guard let first = targets.first else {
      throw Diagnostic("no target is named", at: .argument("--target"))
    }
    if let other = targets.first(where: { $0.triple != first.triple }) {
      throw Diagnostic(
        "'\(first.name)' and '\(other.name)' are different architectures",
        at: .argument("--target"),
        hint: "compile one library for each")
    }
    return combinations.filter(targets.contains)
  }

  /// Every target, alone and with each choice of its features, from the baseline to the best.
  ///
  /// Of one architecture, the one that wants more of a processor is the better.
  static let combinations: [Target] = all.flatMap { target in
    let features = target.optionalFeatures
    return (0..<1 << features.count).map { choice in
      target.adding(features.indices.filter { choice >> $0 & 1 == 1 }.map { features[$0] })
    }
  }.enumerated().sorted { one, other in
    func rank(_ item: (offset: Int, element: Target)) -> (Int, Int, Int) {
      (item.element.isX86 ? 0 : 1, item.element.requirements.count, item.offset)
    }
    return rank(one) < rank(other)
  }.map(\.element)

  /// Returns the one target of this name; see `list(_:)`.
  public static func named(_ name: String) throws(Diagnostic) -> Target {
    let targets = try list(name)
    guard targets.count == 1 else {
      throw Diagnostic(
        "expected one target, found \(targets.count): "
          + targets.map(\.name).joined(separator: ", "), at: .argument("--target"))
    }
    return targets[0]
  }

  /// The targets that one word of the list stands for.
  private static func targets(named word: String) throws(Diagnostic) -> [Target] {
    let parts = word.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
    let (name, features) = (parts[0], Array(parts.dropFirst()))
    guard !words.contains(name) else {
      if let first = features.first {
        throw Diagnostic(
          "'\(name)' takes no '+\(first)': it stands for all that it can have",
          at: .argument("--target"), hint: "name a target: \(withFeatures.joined(separator: ", "))")
      }
      return name == "host" ? [try host()] : portable
    }
    let found = all.first { $0.name == name || $0.shortName == name } ?? aliases[name]
    guard let found else {
      let names = words + all.map(\.name)
      throw Diagnostic(
        "unknown target '\(name)'", at: .argument("--target"),
        notes: [
          "targets: \(names.joined(separator: ", ")); several with commas, short names as in "
            + "'v2,v3,v4', features as in 'v4+bf16'"
        ],
        hint: Suggestion.hint(for: name, in: names + all.map(\.shortName)))
    }
    var chosen: [TargetFeature] = []
    for word in features {
      let item = try found.optionalFeature(named: word)
      guard !chosen.contains(item) else {
        throw Diagnostic(
          "'\(found.name)' is given '+\(word)' twice", at: .argument("--target"))
      }
      chosen.append(item)
    }
    return [found.adding(chosen)]
  }

  /// The targets that take features, with all of them: `x86-64-v4+bf16+vnni`.
  private static var withFeatures: [String] {
    all.filter { !$0.optionalFeatures.isEmpty }.map { $0.adding($0.optionalFeatures).name }
  }

  /// The feature of this target that `word` names.
  private func optionalFeature(named word: String) throws(Diagnostic) -> TargetFeature {
    let features = optionalFeatures
    if let own = features.first(where: { $0.word == word }) { return own }
    let note =
      features.isEmpty
      ? "'\(name)' takes no features; there are \(Target.withFeatures.joined(separator: ", "))"
      : "features of '\(name)': "
        + features.map { "\($0.word) (\($0.summary))" }.joined(separator: ", ")
    let everywhere = TargetFeature.all
    if everywhere.contains(where: {
      $0.word == word && Set($0.requirements).isSubset(of: requirements)
    }) {
      throw Diagnostic("'\(name)' has '\(word)' by itself", at: .argument("--target"))
    }
    let bases = everywhere.filter { $0.word == word }.map { "'\($0.base.name)'" }
    guard bases.isEmpty else {
      throw Diagnostic(
        "'\(name)' cannot have '\(word)': it is a feature of "
          + bases.joined(separator: " and "), at: .argument("--target"), notes: [note])
    }
    let byLLVM = features.first { $0.instructions.contains(word) }
    throw Diagnostic(
      "unknown feature '\(word)' of target '\(name)'", at: .argument("--target"), notes: [note],
      hint: byLLVM.map { "did you mean '\($0.word)'?" }
        ?? Suggestion.hint(for: word, in: features.map(\.word)))
  }

  /// What follows the last hyphen of the name, such as `v3` or `v4+bf16`.
  public var shortName: String {
    name.split(separator: "-").last.map(String.init) ?? name
  }

  /// Every target of this machine's architecture.
  public static var portable: [Target] {
    #if arch(arm64)
      [aarch64]
    #else
      [x86v2, x86v3, x86v4, x86v4BF16]
    #endif
  }

  /// Every target of this machine's architecture that code which multiplies these types profits
  /// from: of 8-bit integers, processors with AVX-VNNI and without AVX-512 too, such as Alder Lake,
  /// those with VNNI and without BF16, such as Ice Lake, and Arm's with products of them; of bf16
  /// alone, Arm's with products of it.
  public static func portable(multiplying types: Set<ElementType>) -> [Target] {
    let further: [Target] =
      types.contains(.s8)
      ? [x86v3AVXVNNI, x86v4VNNI, aarch64Dot, aarch64Matrices]
      : types.contains(.bf16) ? [aarch64BF16] : []
    return combinations.filter { target in
      portable.contains(target)
        || further.contains(target) && target.triple == portable.first?.triple
    }
  }
}
