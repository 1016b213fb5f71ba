import Foundation
import JSON
import Testing

@testable import vitc

/// What a run of the program left.
struct Outcome {
  /// The exit code.
  let code: Int32
  /// What went to stdout.
  let output: String
  /// What went to stderr.
  let errors: String

  /// The standard output as JSON.
  func json() throws -> JSONValue { try JSONValue(parsing: output) }
}

/// Runs the program that was built with the tests.
func vitc(_ arguments: String..., input: String? = nil, in folder: String? = nil) throws -> Outcome
{
  try vitc(arguments, input: input, in: folder)
}

/// Runs the program that was built with the tests, without a cache of code unless one is named.
func vitc(
  _ arguments: [String], input: String? = nil, in folder: String? = nil, cache: String? = nil
) throws -> Outcome {
  // The tests are one executable in the folder of all products.
  let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
  return try launch(program, arguments, input: input, in: folder, cache: cache)
}

/// Runs a program to its end.
func launch(
  _ program: URL, _ arguments: [String], input: String? = nil, in folder: String? = nil,
  cache: String? = nil
) throws -> Outcome {
  let process = Process()
  process.executableURL = program
  process.arguments = arguments
  if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
  // Never the user's cache.
  var variables = ProcessInfo.processInfo.environment
  variables["VITC_CACHE"] = cache ?? ""
  process.environment = variables
  // To files, not pipes: a pipe that is not read in time stops the program.
  let scratch = try Folder()
  _ = try scratch.write(input ?? "", to: "in")
  _ = try scratch.write("", to: "out")
  _ = try scratch.write("", to: "err")
  process.standardInput = FileHandle(forReadingAtPath: scratch("in"))
  process.standardOutput = FileHandle(forWritingAtPath: scratch("out"))
  process.standardError = FileHandle(forWritingAtPath: scratch("err"))
  try process.run()
  process.waitUntilExit()
  return Outcome(
    code: process.terminationStatus,
    output: try String(contentsOfFile: scratch("out"), encoding: .utf8),
    errors: try String(contentsOfFile: scratch("err"), encoding: .utf8))
}

/// A folder that goes with its owner.
final class Folder {
  /// Its path.
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/vitc-cli-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in it.
  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a text file in it and returns its path.
  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: self(name), atomically: false, encoding: .utf8)
    return self(name)
  }
}

/// The toy model of Fixtures/toy.c.
enum Toy {
  /// The folder of the fixtures.
  static let fixtures =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures"
  /// The folder of three photos and a text.
  static let photos = fixtures + "/photos"

  /// Compiles the model and returns its path.
  static func build(
    in folder: Folder, name: String = "libtoy.so", defines: [String] = []
  ) throws -> String {
    let headers =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path + "/Sources/Runtime/CVitABI/include"
    let result = try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      [
        "clang", "-shared", "-fPIC", "-Wl,--hash-style=both", "-I", headers, fixtures + "/toy.c",
        "-o", folder(name),
      ] + defines.map { "-D\($0)" })
    try #require(result.code == 0, "\(result.errors)")
    return folder(name)
  }
}
