import FileTesting
import Foundation

/// The `vitc` that was built with these tests.
enum Program {
  /// What a run left.
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  /// The root of the package.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Runs `vitc` to its end.
  static func run(_ arguments: [String], in folder: String) throws -> Outcome {
    let process = Process()
    process.executableURL = try executable()
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.currentDirectoryURL = URL(filePath: folder)
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // What is said on stderr here is far below the size of a pipe's buffer.
    let printed = try output.fileHandleForReading.readToEnd() ?? Data()
    let complained = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: printed, as: UTF8.self),
      errors: String(decoding: complained, as: UTF8.self))
  }

  /// Lets `body` use an empty folder that goes afterwards.
  static func inFolder<R>(_ body: (_ path: String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appending(path: "vitc-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  /// The executable is beside the tests.
  private static func executable() throws -> URL {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let url = URL(filePath: tests).deletingLastPathComponent().appending(path: "vitc")
    guard FileManager.default.isExecutableFile(atPath: url.path) else {
      throw Failure("'\(url.path)' is not built")
    }
    return url
  }
}
