import ArgumentParser
import Compiler
import Diagnostics
import JSON

/// `vitc cache`: the code that was generated before.
struct Cache: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows or clears the cache of generated code.",
    discussion: """
      'vitc compile' keeps the code that LLVM makes of a model's architecture, so that the next \
      compile of the same architecture, with whatever weights, takes it from there; the bytes of \
      the library are the same. It is of this vitc alone: another build makes its own. The \
      cache is in vitc/objects below $XDG_CACHE_HOME, or below ~/.cache, or in the folder that \
      VITC_CACHE names; an empty VITC_CACHE, or 'vitc compile --no-cache', goes without. What \
      was used least recently goes where it takes more than its limit.
      """)

  @Flag(help: "Remove everything that is in it.")
  var clear = false

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let cache = ObjectCache.user()
    let removed = clear ? cache?.clear() ?? 0 : nil
    let state = State(cache, removed: removed)
    if json { return try JSONValue.print(state) }
    print(state.text, terminator: "")
  }

  /// What is printed.
  struct State: Encodable {
    /// Absent where no folder is named.
    let folder: String?
    let objects: Int
    let bytes: Int
    let limitBytes: Int
    /// Why it is not used; absent: it is.
    let problem: String?
    /// How many objects were removed; absent without `--clear`.
    let removed: Int?

    enum CodingKeys: String, CodingKey {
      case folder, objects, bytes, problem, removed
      case limitBytes = "limit_bytes"
    }

    init(_ cache: ObjectCache?, removed: Int?) {
      let size = cache?.size ?? (count: 0, bytes: 0)
      folder = cache?.folder
      objects = size.count
      bytes = size.bytes
      limitBytes = cache?.limit ?? 0
      problem =
        cache == nil
        ? "no folder is named: HOME is not set, or VITC_CACHE is empty" : cache?.problem
      self.removed = removed
    }

    /// The lines for people.
    var text: String {
      var lines: [(String, String)] = []
      if let folder { lines.append(("folder", PlainText.escaped(folder))) }
      if let removed { lines.append(("removed", "\(removed) objects")) }
      lines.append(("objects", "\(objects)"))
      lines.append(("size", "\(Format.bytes(bytes)) of at most \(Format.bytes(limitBytes))"))
      if let problem { lines.append(("not used", problem)) }
      let width = (lines.map(\.0.count).max() ?? 0) + 2
      return lines.map { name, value in
        name + String(repeating: " ", count: width - name.count) + value + "\n"
      }.joined()
    }
  }
}
