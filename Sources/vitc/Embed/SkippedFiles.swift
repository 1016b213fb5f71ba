import Diagnostics

/// Files that were left out, counted by reason.
struct SkippedFiles {
  /// The reasons in the order in which they came up, each with its files.
  private(set) var groups: [(reason: String, files: [String])] = []

  /// How many files.
  var count: Int { groups.reduce(0) { $0 + $1.files.count } }

  /// Adds a file.
  mutating func add(_ file: String, _ reason: String) {
    if let index = groups.firstIndex(where: { $0.reason == reason }) {
      groups[index].files.append(file)
    } else {
      groups.append((reason, [file]))
    }
  }

  /// The reason that a diagnostic is: its message up to what is particular to the file.
  static func reason(_ diagnostic: Diagnostic) -> String {
    String(diagnostic.message.prefix { $0 != ":" })
  }

  /// A line for each reason, with its first files.
  var lines: [String] {
    groups.map { reason, files in
      let shown = 3
      let names = files.prefix(shown).joined(separator: ", ")
      let more = files.count > shown ? ", …" : ""
      return "skipped  \(Format.grouped(files.count)): \(reason) (\(names)\(more))"
    }
  }
}
