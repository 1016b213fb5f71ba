import IR

/// The targets of a library that differ only in what they add to the same processor, such as
/// `x86-64-v4`, `x86-64-v4+vnni` and `x86-64-v4-bf16`: much of their code is the same, and each
/// function is generated for the first of those that can run it.
///
/// Of int8 for AVX-512, attention in bf16 is the same with and without VNNI; with VNNI, matmuls of
/// integers are the same with and without BF16.
struct CodeFamily {
  /// The positions of the targets in the library, in its order.
  let members: [Int]

  /// Divides the targets of a library.
  static func all(of targets: [Target]) -> [CodeFamily] {
    Dictionary(grouping: targets.indices) { Base(targets[$0]) }.values
      .map(CodeFamily.init(members:)).sorted { $0.members[0] < $1.members[0] }
  }

  /// What the targets of a family have in common.
  private struct Base: Hashable {
    let triple: String
    let cpu: String
    init(_ target: Target) { (triple, cpu) = (target.triple, target.cpu) }
  }

  /// What the symbols of a target's functions end in, where others may take them.
  static func suffix(_ target: Target) -> String { ".\(target.shortName)" }

  /// The members before one whose code it can run.
  func earlier(than position: Int, _ targets: [Target]) -> [Int] {
    members.filter { other in
      other < position
        && Set(targets[other].requirements).isSubset(of: targets[position].requirements)
    }
  }

  /// The functions that a member need not have, and what their symbols end in where they are.
  ///
  /// The first target that has a function has it for all: features are added, and to be the same is
  /// transitive, so what is the same as a function that was taken is taken from there too.
  func taken(
    by position: Int, _ targets: [Target], _ code: [Int: ModuleCode]
  ) -> [String: String] {
    var taken: [String: String] = [:]
    guard let own = code[position] else { return taken }
    for other in earlier(than: position, targets) {
      guard let before = code[other] else { continue }
      for name in own.shared(with: before) where taken[name] == nil {
        taken[name] = Self.suffix(targets[other])
      }
    }
    return taken
  }
}
