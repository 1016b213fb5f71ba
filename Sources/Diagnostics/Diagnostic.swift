/// Something to tell the user: what is wrong, where, and how to mend it.
///
/// Messages are lower case, without a final period; names are in single quotes; what was found
/// and what was expected are both said.
public struct Diagnostic: Error, Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Hashable, Sendable {
    /// The work cannot go on.
    case error
    /// The work goes on; the result may not be what was meant.
    case warning
  }

  /// Where it is.
  public enum Location: Hashable, Sendable {
    /// A file or folder, by path.
    case file(String)
    /// A place in a text file; line and column count from 1.
    case text(file: String, line: Int, column: Int)
    /// A tensor of a checkpoint file.
    case tensor(String, file: String)
    /// A node of a graph, by name.
    case node(String)
    /// A command-line argument.
    case argument(String)
  }

  /// How bad it is.
  public var severity: Severity
  /// What is wrong, in one line.
  public var message: String
  /// Where it is, if it is anywhere.
  public var location: Location?
  /// Further facts, a line each.
  public var notes: [String]
  /// A text that the last note introduces, a line each, as it is.
  public var listing: [String]
  /// What the user can do about it.
  public var hint: String?

  /// Creates a diagnostic.
  public init(
    _ message: String, severity: Severity = .error, at location: Location? = nil,
    notes: [String] = [], listing: [String] = [], hint: String? = nil
  ) {
    self.severity = severity
    self.message = message
    self.location = location
    self.notes = notes
    self.listing = listing
    self.hint = hint
  }

  /// Returns a copy with one more note, as a layer above adds its context.
  public func adding(note: String) -> Diagnostic {
    var copy = self
    copy.notes.append(note)
    return copy
  }
}

extension Diagnostic: CustomStringConvertible {
  /// GNU style: `place: severity: message`, then notes and hint, indented.
  ///
  /// What comes from files cannot act on a terminal, or begin a line.
  public var description: String {
    var place = ""
    switch location {
    case .file(let path): place = "\(path): "
    case .text(let file, let line, let column): place = "\(file):\(line):\(column): "
    case .tensor(let name, let file): place = "\(file): tensor '\(name)': "
    case .node(let name): place = "%\(name): "
    case .argument(let name): place = "\(name): "
    case nil: break
    }
    var text = Self.line(place) + Self.line("\(severity.rawValue): \(message)")
    for note in notes { text += "\n  note: \(Self.line(note))" }
    for line in listing { text += "\n\(PlainText.escaped(line))" }
    if let hint { text += "\n  hint: \(Self.line(hint))" }
    return text
  }

  /// The most characters of a line: names and values in it may come from a hostile file.
  private static let longestLine = 2000

  /// A line's text; of one that is too long the beginning and how much follows.
  private static func line(_ text: String) -> String {
    // Counting bytes first spares most lines the walk over their characters.
    guard text.utf8.count > longestLine, text.count > longestLine else {
      return PlainText.escaped(text)
    }
    let rest = text.count - longestLine
    return PlainText.escaped(String(text.prefix(longestLine))) + "… and \(rest) characters more"
  }
}
