import Diagnostics
import Files

/// A rule of make's that says which files a target was made of, as compilers write it for `-MF`.
struct DependencyRule {
  /// The path of the target, as the build system knows it.
  let target: String
  /// Files, folders whose files are read, and what is neither: names of models, `seed:N`.
  let inputs: [String]

  /// The rule: the target, and every file that there is.
  var text: String {
    let files = inputs.flatMap { input -> [String] in
      switch Path.kind(of: input) {
      case .folder: Overwriting.files(in: input)
      case .other: [input]
      case nil: []
      }
    }
    return ([Self.escaped(target) + ":"] + files.map(Self.escaped))
      .joined(separator: " \\\n  ") + "\n"
  }

  /// Writes the rule.
  func write(to path: String) throws(Diagnostic) {
    try AtomicFile.write(path: path, contents: Array(text.utf8))
  }

  /// A path as make and ninja read it: a blank and `#` after a backslash, `$` doubled.
  private static func escaped(_ path: String) -> String {
    path.replacing(" ", with: "\\ ").replacing("#", with: "\\#").replacing("$", with: "$$")
  }
}
