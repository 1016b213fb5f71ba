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
  /// What the user can do about it.
  public var hint: String?

  /// Creates a diagnostic.
  public init(
    _ message: String, severity: Severity = .error, at location: Location? = nil,
    notes: [String] = [], hint: String? = nil
  ) {
    self.severity = severity
    self.message = message
    self.location = location
    self.notes = notes
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
  public var description: String {
    var text = ""
    switch location {
    case .file(let path): text = "\(path): "
    case .text(let file, let line, let column): text = "\(file):\(line):\(column): "
    case .tensor(let name, let file): text = "\(file): tensor '\(name)': "
    case .node(let name): text = "%\(name): "
    case .argument(let name): text = "\(name): "
    case nil: break
    }
    text += "\(severity.rawValue): \(message)"
    for note in notes { text += "\n  note: \(note)" }
    if let hint { text += "\n  hint: \(hint)" }
    return text
  }
}
