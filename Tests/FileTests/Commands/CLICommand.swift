import FileTesting
import Foundation

/// `cli ARGS`: runs the built `vitc` and expects its exit code and all that it prints.
///
/// In the arguments `%g` is a file with the section's graph, `%t` an empty folder, the current one,
/// that goes afterwards, `%r` the root of the package; in what is printed they stand in their
/// places again.
struct CLICommand: FileTestCommand {
  private let arguments: [String]

  init(arguments: [String]) throws {
    self.arguments = arguments
  }

  func observe(_ section: FileTest.Section) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "vitc-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var root = FileTest.folder
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let places = [
      ("%g", folder + ".vir"), ("%t", folder), ("%r", root.path(percentEncoded: false)),
    ].map { ($0, $1.hasSuffix("/") ? String($1.dropLast()) : $1) }
    try section.placedBody.write(toFile: places[0].1, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: places[0].1) }

    let process = Process()
    process.executableURL = try Self.executable()
    process.arguments = arguments.map { places.reduce($0) { $0.replacing($1.0, with: $1.1) } }
    process.standardInput = FileHandle.nullDevice
    process.currentDirectoryURL = URL(filePath: folder)
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // What is expected here is far below the size of a pipe's buffer.
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    let complained = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()

    func lines(_ keyword: String, _ data: Data) -> [String] {
      let text = places.reduce(String(decoding: data, as: UTF8.self)) {
        $0.replacing($1.1, with: $1.0)
      }
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      if lines.last?.isEmpty ?? false { lines.removeLast() }
      return lines.map { $0.isEmpty ? "// \(keyword)" : "// \(keyword) \($0)" }
    }
    return section.expecting(
      ["// expect: exit \(process.terminationStatus)"] + lines("out:", printed)
        + lines("err:", complained))
  }

  /// The executable that was built with these tests: it stands beside them.
  static func executable() throws -> URL {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let url = URL(filePath: tests).deletingLastPathComponent().appending(path: "vitc")
    guard FileManager.default.isExecutableFile(atPath: url.path) else {
      throw Failure("'\(url.path)' is not built")
    }
    return url
  }
}
