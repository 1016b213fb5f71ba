import Diagnostics
import Files
import FoundationEssentials
import JSON

/// The index of a job, `FILE.partial.index`: what it makes, and then a line for each photo that is
/// done, written after its row.
///
/// Lines are JSON: `["row", photo, [bytes of each file]]`, `["skip", photo, reason]`, and at the
/// end `["complete"]`, from when on only names are missing.
final class EmbedIndex {
  /// What a line says of a photo.
  enum Done {
    /// Its row is written.
    case row(String)
    /// It cannot be used, and why.
    case skipped(String, reason: String)
  }

  /// What is done, paths apart.
  struct State {
    /// The size of each file after the last row; `nil` before the first.
    var bytes: [Int]?
    /// Whether all rows are there, and their numbers are written.
    var isComplete = false
  }

  /// What was done before.
  private(set) var state = State()
  private let file: GrowingFile

  /// The index of a job whose first file is `path`.
  static func path(of path: String) -> String { "\(path).partial.index" }

  /// Whether a job was interrupted whose first file is `path`.
  static func exists(for path: String) -> Bool {
    FileManager.default.fileExists(atPath: Self.path(of: path))
  }

  /// Begins an index.
  init(beginning job: JSONValue, for path: String) throws(Diagnostic) {
    file = try GrowingFile(Self.path(of: path), .new)
    try write(job)
  }

  /// Goes on with an index.
  ///
  /// What follows the last line that is whole, and rows that the files have not, are cut off.
  ///
  /// - Parameters:
  ///   - job: What is made now, which must be what was made then.
  ///   - path: The first file.
  ///   - sizes: The sizes of the files that are there; `nil` where one is not.
  ///   - body: Gets what is done of each photo, in order.
  ///
  /// Errors, at the index: it cannot be read; it is another job's; what `body` throws.
  init(
    resuming job: JSONValue, for path: String, sizes: [Int?],
    _ body: (Done) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let name = Self.path(of: path)
    file = try GrowingFile(name, .existing)
    let lines = try FileLines(name)
    var kept = 0
    while let line = try lines.next(), lines.isEnded, let value = try? JSONReader.read(line) {
      if kept == 0 {
        guard value == job else { throw Self.otherJob(name, value, job) }
      } else {
        guard let line = Self.line(value, sizes) else { break }
        switch line {
        case .row(let photo, let bytes):
          state.bytes = bytes
          try body(.row(photo))
        case .skip(let photo, let reason): try body(.skipped(photo, reason: reason))
        case .complete: state.isComplete = true
        }
      }
      kept = lines.offset
    }
    try file.truncate(to: kept)
    // Interrupted before the first line was whole.
    if kept == 0 { try write(job) }
  }

  private enum Line {
    case row(String, bytes: [Int])
    case skip(String, String)
    case complete
  }

  /// What a line says; `nil` if it is not to be used.
  private static func line(_ line: JSONValue, _ sizes: [Int?]) -> Line? {
    guard let parts = line.array, let kind = parts.first?.string else { return nil }
    switch (kind, parts.count) {
    case ("row", 3):
      let bytes = (parts[2].array ?? []).map { value -> Int in
        if case .integer(let count) = value { count } else { -1 }
      }
      guard let photo = parts[1].string, bytes.count == sizes.count,
        zip(bytes, sizes).allSatisfy({ $0 >= 0 && $0 <= $1 ?? .max })
      else { return nil }
      return .row(photo, bytes: bytes)
    case ("skip", 3):
      guard let photo = parts[1].string, let reason = parts[2].string else { return nil }
      return .skip(photo, reason)
    case ("complete", 1): return .complete
    default: return nil
    }
  }

  private static func otherJob(
    _ name: String, _ found: JSONValue, _ wanted: JSONValue
  ) -> Diagnostic {
    let keys = ["weights", "outputs", "files", "orient", "vitc"].filter {
      found[$0] != wanted[$0]
    }
    return Diagnostic(
      "the interrupted job was another one: it differs in \(keys.joined(separator: ", "))",
      at: .file(name),
      hint: "give the same library, outputs and options, or remove it and the unfinished files")
  }

  /// Says that a photo's row is written.
  func add(row photo: String, bytes: [Int]) throws(Diagnostic) {
    try write(
      .array([.string("row"), .string(photo), .array(bytes.map { .integer($0) })]))
  }

  /// Says that a photo cannot be used.
  func add(skipped photo: String, reason: String) throws(Diagnostic) {
    try write(.array([.string("skip"), .string(photo), .string(reason)]))
  }

  /// Says that all rows are there.
  func complete() throws(Diagnostic) {
    if !state.isComplete { try write(.array([.string("complete")])) }
    state.isComplete = true
  }

  /// Removes the index, after the last file got its name.
  func remove() { try? FileManager.default.removeItem(atPath: file.path) }

  private func write(_ line: JSONValue) throws(Diagnostic) {
    try file.append(Array((line.text(.compact) + "\n").utf8))
  }
}
