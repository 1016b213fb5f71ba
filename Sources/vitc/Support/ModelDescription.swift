import Diagnostics
import Files
import JSON

/// A file `NAME.vit.json` in the place of a model: what to compile, and how.
///
/// ```json
/// { "model": "../dinov2-small", "options": { "precision": "int8", "outputs": "features" } }
/// ```
///
/// `options` are those of `vitc compile` without the dashes: a text or a number is an option's
/// value, `true` a flag, a list an option that is repeated. What names a file or a folder, seen
/// from the description's own folder, is that one. Options of the command line come later, and win.
enum ModelDescription {
  /// How the names of such files end.
  static let suffix = ".vit.json"

  /// What says where results go is the command's to say.
  private static let refused: Set<String> = [
    "output", "o", "swift", "depfile", "sbom", "dump-dir", "fit-report", "json", "quiet", "q",
  ]

  /// The arguments of a command with what a description among them says in its place; without one,
  /// the arguments.
  static func expanded(_ arguments: [String]) throws(Diagnostic) -> [String] {
    guard arguments.first == "compile",
      let place = arguments.firstIndex(where: { $0.hasSuffix(suffix) && !$0.hasPrefix("-") })
    else { return arguments }
    var others = arguments.dropFirst()
    let path = others.remove(at: place)
    return ["compile"] + (try read(path)) + ["--described-by", path] + others
  }

  /// The model, and its options.
  private static func read(_ path: String) throws(Diagnostic) -> [String] {
    let text = try TextFile.text(try TextFile.bytes(path), path)
    let json: JSONValue
    do {
      json = try JSONValue(parsing: text)
    } catch {
      throw fault(path, "is not JSON: \(error.message), at byte \(error.offset)")
    }
    guard case .object(let members) = json, let model = members["model"]?.string else {
      throw fault(path, "names no model")
    }
    if let unknown = members.keys.sorted().first(where: { !["model", "options"].contains($0) }) {
      throw fault(path, "has the unknown member '\(unknown)'")
    }
    let options: [String: JSONValue]
    switch members["options"] {
    case .object(let values)?: options = values
    case nil: options = [:]
    case let found?: throw fault(path, "has \(found.described) as its options")
    }
    let folder = Path.folder(of: path)
    var arguments = [located(model, in: folder)]
    for (option, value) in options.sorted(by: { $0.key < $1.key }) {
      guard !refused.contains(option) else {
        throw Diagnostic(
          "has the option '\(option)', which says where results go", at: .file(path),
          hint: "give --\(option) on the command line")
      }
      for text in try texts(of: value, option, path) {
        arguments.append("--\(option)")
        if let text { arguments.append(located(text, in: folder)) }
      }
    }
    return arguments
  }

  /// An option's values, one for each time that it stands; `nil` for a flag.
  private static func texts(
    of value: JSONValue, _ option: String, _ path: String
  ) throws(Diagnostic) -> [String?] {
    switch value {
    case .bool(let isOn): return isOn ? [nil] : []
    case .string(let text): return [text]
    case .integer(let number): return ["\(number)"]
    case .number(let number): return ["\(number)"]
    case .array(let values):
      var all: [String?] = []
      for value in values {
        if case .array = value {
          throw fault(path, "has a list in the list of option '\(option)'")
        }
        all += try texts(of: value, option, path)
      }
      return all
    case .null, .object:
      throw fault(path, "has \(value.described) as the value of option '\(option)'")
    }
  }

  /// A path as it is seen from the working folder, if there is a file or a folder of this name
  /// beside the description; otherwise the text itself.
  private static func located(_ text: String, in folder: String) -> String {
    guard !text.isEmpty, !text.hasPrefix("/") else { return text }
    let path = Path.joining(folder, text)
    return Path.exists(path) ? path : text
  }

  private static func fault(_ path: String, _ message: String) -> Diagnostic {
    Diagnostic(
      message, at: .file(path),
      hint: #"expected { "model": "FOLDER or NAME", "options": { "precision": "int8" } }"#)
  }
}
