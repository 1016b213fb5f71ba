import FileTesting
import Foundation

/// `cli ARGS`: runs the built `vitc` and expects its exit code and all that it prints.
///
/// In the arguments `%g` is a file with the section's graph, `%t` an empty folder, the current one,
/// that goes afterwards, `%r` the root of the package; in what is printed they replace the paths
/// again.
struct CLICommand: FileTestCommand {
  private let arguments: [String]

  init(arguments: [String]) throws { self.arguments = arguments }

  func observe(_ section: FileTest.Section) throws -> [String] {
    try Program.inFolder { folder in
      let root = Program.root.path(percentEncoded: false)
      let places = [("%g", folder + ".vir"), ("%t", folder), ("%r", root)]
        .map { ($0, $1.hasSuffix("/") ? String($1.dropLast()) : $1) }
      try section.placedBody.write(toFile: places[0].1, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(atPath: places[0].1) }
      let found = try Program.run(
        arguments.map { places.reduce($0) { $0.replacing($1.0, with: $1.1) } }, in: folder)

      func lines(_ keyword: String, _ text: String) -> [String] {
        let text = places.reduce(text) { $0.replacing($1.1, with: $1.0) }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        return lines.map { $0.isEmpty ? "// \(keyword)" : "// \(keyword) \($0)" }
      }
      return section.expecting(
        ["// expect: exit \(found.status)"] + lines("out:", found.output)
          + lines("err:", found.errors))
    }
  }
}
