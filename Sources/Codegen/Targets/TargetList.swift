import IR

/// `--target`: the instruction sets of one library.
///
/// The grammar: targets with commas, each a name of the table, the part of one behind its last
/// hyphen (`v3`), or one of the words `host` (the richest that this machine runs) and `portable`
/// (all of this machine's architecture); each may be followed by `+feature` for instructions beyond
/// the target's own that kernels use, see `Target.extensions`.
extension Target {
  /// What a word of `--target` may stand for besides a target.
  private static let words = ["portable", "host"]

  /// Returns the targets that `list` names, from the plainest to the richest, so that their order
  /// in the list does not matter.
  ///
  /// - Throws: an unknown name or feature, a target named twice, targets of two architectures.
  public static func list(_ list: String) throws(Diagnostic) -> [Target] {
    var targets: [Target] = []
    for word in list.split(separator: ",", omittingEmptySubsequences: false) {
      for target in try Self.targets(named: String(word)) {
        guard !targets.contains(target) else {
          throw Diagnostic("target '\(target.name)' is named twice", at: .argument("--target"))
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
    return all.filter(targets.contains)
  }

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
    let name = parts[0]
    let found: [Target]
    switch name {
    case "host": found = [try host()]
    case "portable": found = portable
    default:
      found = all.filter { $0.name == name || $0.shortName == name }
      guard !found.isEmpty else {
        let names = words + all.map(\.name)
        throw Diagnostic(
          "unknown target '\(name)'", at: .argument("--target"),
          notes: [
            "targets: \(names.joined(separator: ", ")); several with commas, short names as in "
              + "'v2,v3,v4'"
          ],
          hint: Suggestion.hint(for: name, in: names + all.map(\.shortName)))
      }
    }
    if let feature = parts.dropFirst().first {
      throw Diagnostic(
        "target '\(name)' has no feature '\(feature)'", at: .argument("--target"),
        notes: [
          "features: none; no kernel uses instructions beyond those of the targets themselves"
        ],
        hint: "leave out '+\(parts.dropFirst().joined(separator: "+"))'")
    }
    return found
  }

  /// What stands behind the last hyphen of the name, such as `v3`.
  public var shortName: String {
    name.split(separator: "-").last.map(String.init) ?? name
  }

  /// Every target of this machine's architecture.
  public static var portable: [Target] {
    #if arch(arm64)
      [aarch64]
    #else
      [x86v2, x86v3, x86v4, x86v4Pairs]
    #endif
  }
}
