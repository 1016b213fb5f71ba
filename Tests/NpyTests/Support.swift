import Diagnostics
import Foundation
import Testing

/// The path of a file that `make_fixtures.py` made.
func fixture(_ name: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures").appendingPathComponent(name).path
}

/// The bytes of a file.
func bytes(of path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// Runs `body` with a new folder, and removes it.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// The diagnostic that `body` throws; a failure of the test if it throws none.
func diagnostic<Value>(
  _ body: () throws(Diagnostic) -> Value
) throws -> Diagnostic {
  do throws(Diagnostic) {
    _ = try body()
  } catch {
    return error
  }
  throw NothingThrown()
}

/// What `diagnostic` throws if nothing was refused.
struct NothingThrown: Error {}

/// The little-endian bytes of a number.
func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
}
