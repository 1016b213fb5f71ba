import Diagnostics
import Files

/// Files that were left out, counted by reason.
struct SkippedFiles {
  /// The files of one reason.
  struct Group {
    /// The reason.
    let reason: String
    /// How many files.
    fileprivate(set) var count = 0
    /// The first of them.
    fileprivate(set) var first: [String] = []
    /// All of them, where they are kept.
    fileprivate(set) var all: StoredTexts?
  }

  /// The reasons in the order in which they came up.
  private(set) var groups: [Group] = []
  private let space: ScratchSpace?

  /// Files that are named of each reason.
  private static let shown = 3
  /// More reasons are told as one: then they name something that is particular to each file.
  private static let mostReasons = 50
  /// What that one is called.
  static let otherReasons = "other reasons"

  /// Counts no files.
  ///
  /// - Parameter space: Where all paths are kept; `nil`: they are not.
  init(keptIn space: ScratchSpace? = nil) { self.space = space }

  /// How many files.
  var count: Int { groups.reduce(0) { $0 + $1.count } }

  /// Adds a file.
  ///
  /// Errors: there is no place for its path.
  mutating func add(_ file: String, _ reason: String) throws(Diagnostic) {
    let index = place(of: reason)
    groups[index].count += 1
    if groups[index].first.count < Self.shown { groups[index].first.append(file) }
    try groups[index].all?.append(file)
  }

  /// The group of a reason, which is made if there is none.
  private mutating func place(of reason: String) -> Int {
    if let index = groups.firstIndex(where: { $0.reason == reason }) { return index }
    if groups.count >= Self.mostReasons, reason != Self.otherReasons {
      return place(of: Self.otherReasons)
    }
    groups.append(Group(reason: reason, all: space.map { StoredTexts($0) }))
    return groups.count - 1
  }

  /// The reason that a diagnostic is: its message up to what is particular to the file.
  ///
  /// What the system says after a colon is not: 'cannot open the file: permission denied'.
  static func reason(_ diagnostic: Diagnostic) -> String {
    reason(diagnostic.message)
  }

  /// The same of a message alone.
  static func reason(_ message: String) -> String {
    message.hasPrefix("cannot ") ? message : String(message.prefix { $0 != ":" })
  }

  /// A line for each reason, with its first files.
  var lines: [String] {
    groups.map { group in
      let names = group.first.joined(separator: ", ")
      let more = group.count > group.first.count ? ", …" : ""
      return "skipped  \(Format.grouped(group.count)): \(group.reason) (\(names)\(more))"
    }
  }
}
