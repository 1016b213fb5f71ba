/// Instructions that only some processors of a target have, asked for by a word after a plus:
/// `x86-64-v4+bf16`.
///
/// They are part of what a processor must have to be given the code; a library may hold the code of
/// the target without them beside it. All multiply numbers narrower than floats.
public struct TargetFeature: Hashable, Sendable {
  /// The word after the plus.
  public let word: String
  /// The target that may have it.
  public let base: Target
  /// What a processor must have; LLVM's features of those names are switched on.
  let requirements: [CPUFeature]
  /// What its instructions do, in a line.
  public let summary: String

  /// Every optional feature, in the order in which names of targets have them.
  ///
  /// Of two targets with as many of them, the later one in this table counts as the better.
  public static let all: [TargetFeature] = [
    TargetFeature(
      word: "avxvnni", base: .x86v3, requirements: [.avxvnni],
      summary: "products of groups of four 8-bit integers, summed in 32 bits"),
    TargetFeature(
      word: "bf16", base: .x86v4, requirements: [.avx512bf16],
      summary: "products of pairs of bf16, summed in f32"),
    TargetFeature(
      word: "vnni", base: .x86v4, requirements: [.avx512vnni],
      summary: "products of groups of four 8-bit integers, summed in 32 bits"),
    TargetFeature(
      word: "amx", base: .x86v4, requirements: [.avx512bf16, .avx512vnni] + CPUFeature.amx,
      summary: "products of tiles of both, with what 'bf16' and 'vnni' are"),
    TargetFeature(
      word: "dotprod", base: .aarch64, requirements: [.armDotProduct],
      summary: "products of groups of four 8-bit integers, summed in 32 bits (sdot)"),
    TargetFeature(
      word: "i8mm", base: .aarch64, requirements: [.armInt8Matrices],
      summary: "products of small matrices of 8-bit integers, summed in 32 bits (usmmla, usdot)"),
    TargetFeature(
      word: "bf16", base: .aarch64, requirements: [.armBF16],
      summary: "products of small matrices of bf16, summed in f32 (bfmmla, bfdot)"),
  ]
}

extension TargetFeature {
  /// LLVM's names of the instructions.
  public var instructions: [String] { requirements.filter(\.isInstruction).map(\.name) }
}

extension Target {
  /// The features that this target may have; none for what `adding(_:)` returns.
  public var optionalFeatures: [TargetFeature] { TargetFeature.all.filter { $0.base == self } }

  /// Returns the target with some of its `optionalFeatures`; `name`: what it is called, if not
  /// after them.
  func adding(_ chosen: [TargetFeature], name: String? = nil) -> Target {
    guard !chosen.isEmpty else { return self }
    var target = self
    for item in optionalFeatures where chosen.contains(item) {
      target.name += "+\(item.word)"
      // What two features have in common is there once.
      for requirement in item.requirements where !target.requirements.contains(requirement) {
        target.requirements.append(requirement)
        guard requirement.isInstruction else { continue }
        target.features += (target.features.isEmpty ? "+" : ",+") + requirement.name
      }
    }
    if let name { target.name = name }
    return target
  }

  /// What the target is without narrow products: the baseline of its CPU.
  private var withoutNarrow: Target { Target.all.first { $0.cpu == cpu } ?? self }

  /// The targets of code that multiplies nothing but floats: those whose only difference are narrow
  /// products are the same then, and processors without them run the code too.
  public static func withoutNarrowProducts(_ targets: [Target]) -> [Target] {
    targets.map(\.withoutNarrow).reduce(into: []) { list, target in
      if !list.contains(target) { list.append(target) }
    }
  }
}
