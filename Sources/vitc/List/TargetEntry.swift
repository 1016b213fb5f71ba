import Codegen

/// A row of `vitc list targets`.
struct TargetEntry: Encodable {
  let name: String
  /// What `--target` and `VITC_ISA` take as well.
  let shortName: String
  let triple: String
  let vectorUnit: String
  /// What `--target` takes after the name and a plus.
  let features: [String]
  /// Whether this machine runs its code.
  let runsHere: Bool
  /// Whether `--target host` means it.
  let isHost: Bool

  enum CodingKeys: String, CodingKey {
    case name, triple, features
    case shortName = "short_name"
    case vectorUnit = "vector_unit"
    case runsHere = "runs_here"
    case isHost = "is_host"
  }

  /// Every target.
  static var all: [TargetEntry] {
    let runnable = Target.runnableHere
    return Target.all.map { target in
      TargetEntry(
        name: target.name, shortName: target.shortName, triple: target.triple,
        vectorUnit: target.vectorUnit, features: target.optionalFeatures.map(\.word),
        runsHere: runnable.contains(target), isHost: runnable.last == target)
    }
  }

  /// The rows for people.
  static func table(_ entries: [TargetEntry]) -> TextTable {
    var table = TextTable([
      ("name", .left), ("short", .left), ("triple", .left), ("vectors", .left),
      ("features", .left), ("", .left),
    ])
    for entry in entries {
      let note = entry.isHost ? "host" : entry.runsHere ? "runs here" : ""
      let features = entry.features.map { "+\($0)" }.joined(separator: " ")
      table.add([entry.name, entry.shortName, entry.triple, entry.vectorUnit, features, note])
    }
    return table
  }
}
