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
  /// The job, and what is done of it.
  struct State {
    /// The paths of the photos, row by row.
    var photos: [String] = []
    /// The size of each file after the last row; `nil` before the first.
    var bytes: [Int]?
    /// Photos that cannot be used, and why.
    var skipped: [(path: String, reason: String)] = []
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
  ///
  /// Errors, at the index: it cannot be read; it is another job's.
  init(
    resuming job: JSONValue, for path: String, sizes: [Int?]
  ) throws(Diagnostic) {
    let name = Self.path(of: path)
    file = try GrowingFile(name, .existing)
    var kept = 0
    guard file.count > 0 else {
      // Interrupted before the first line.
      try write(job)
      return
    }
    let bytes = try MappedFile(name)
    let state = try bytes.withUnsafeBytes { (bytes) throws(Diagnostic) in
      var state = State()
      var isFirst = true
      var rest = bytes[...]
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        guard let value = try? JSONReader.read(Array(rest[rest.startIndex..<end])) else { break }
        if isFirst {
          guard value == job else { throw Self.otherJob(name, value, job) }
        } else if !Self.apply(value, to: &state, sizes) {
          break
        }
        isFirst = false
        kept = end + 1
        rest = bytes[kept...]
      }
      return state
    }
    try file.truncate(to: kept)
    if kept == 0 { try write(job) }
    self.state = state
  }

  /// Adds what a line says; `false` if it is not to be used.
  private static func apply(
    _ line: JSONValue, to state: inout State, _ sizes: [Int?]
  ) -> Bool {
    guard let parts = line.array, let kind = parts.first?.string else { return false }
    switch (kind, parts.count) {
    case ("row", 3):
      let bytes = (parts[2].array ?? []).map { value -> Int in
        if case .integer(let count) = value { count } else { -1 }
      }
      guard let photo = parts[1].string, bytes.count == sizes.count,
        zip(bytes, sizes).allSatisfy({ $0 >= 0 && $0 <= $1 ?? .max })
      else { return false }
      state.photos.append(photo)
      state.bytes = bytes
    case ("skip", 3):
      guard let photo = parts[1].string, let reason = parts[2].string else { return false }
      state.skipped.append((photo, reason))
    case ("complete", 1): state.isComplete = true
    default: return false
    }
    return true
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
    state.photos.append(photo)
    try write(
      .array([.string("row"), .string(photo), .array(bytes.map { .integer($0) })]))
  }

  /// Says that a photo cannot be used.
  func add(skipped photo: String, reason: String) throws(Diagnostic) {
    state.skipped.append((photo, reason))
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
