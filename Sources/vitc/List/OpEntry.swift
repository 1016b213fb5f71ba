import IR

/// A row of `vitc list ops`.
struct OpEntry: Encodable {
  let name: String
  /// The forms of a graph that it may be in.
  let forms: [String]

  /// Every operation.
  static var all: [OpEntry] {
    Op.mnemonics.map { name in
      OpEntry(name: name, forms: Op.forms(of: name).map(\.rawValue))
    }
  }

  /// The rows for people.
  static func table(_ entries: [OpEntry]) -> TextTable {
    var table = TextTable([("name", .left), ("forms", .left)])
    for entry in entries { table.add([entry.name, entry.forms.joined(separator: ", ")]) }
    return table
  }
}
