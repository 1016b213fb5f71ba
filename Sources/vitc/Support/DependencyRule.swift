import Diagnostics
import Files
import Foundation

/// A rule of make's that says which files a target was made of, as compilers write it for `-MF`.
struct DependencyRule {
  /// The path of the target, as the build system knows it.
  let target: String
  /// Files, folders whose files are read, and what is neither: names of models, `seed:N`.
  let inputs: [String]

  /// The rule: the target, and every file that there is.
  var text: String {
    let files = inputs.flatMap { input -> [String] in
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: input, isDirectory: &isFolder) else { return [] }
      return isFolder.boolValue ? Overwriting.files(in: input) : [input]
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
