import Diagnostics
import Files
import FoundationEssentials
import JSON

/// What stands beside an array of rows: `FILE.paths.txt`, the paths of the photos, one a line, and
/// `FILE.json`, which library made it.
struct RowNotes {
  /// The library's path, as it was given; empty where it is not known.
  var library = ""
  /// The hash of the library's weights; empty where it is not known.
  var weights = ""
  /// The model's name.
  var model = ""
  /// The output that the rows are.
  var output = ""
  /// The photos' paths, row by row, as they were read.
  private(set) var photos: [String] = []

  /// Writes the two files.
  ///
  /// - Parameters:
  ///   - path: The array's file.
  ///   - photos: The photos' paths, row by row.
  func write(beside path: String, photos: StoredTexts) throws(Diagnostic) {
    try AtomicFile.write(path: "\(path).paths.txt") { (file: inout OutputFile) throws(Diagnostic) in
      var block: [UInt8] = []
      let reader = try photos.reader()
      while let photo = try reader.next() {
        block += (photo + "\n").utf8
        if block.count >= Self.blockBytes {
          try file.append(block)
          block.removeAll(keepingCapacity: true)
        }
      }
      try file.append(block)
    }
    let notes = JSONValue.object([
      "library": .string(library), "weights": .string(weights), "model": .string(model),
      "output": .string(output), "rows": .integer(photos.count),
    ])
    try AtomicFile.write(
      path: "\(path).json", contents: Array((notes.text(.indented) + "\n").utf8))
  }

  /// How many bytes are written at once.
  private static let blockBytes = 1 << 16

  /// Reads the two files; which library made the rows need not be known.
  ///
  /// Errors: there are no paths; they are no text; not as many as there are `rows`.
  static func read(beside path: String, rows: Int) throws(Diagnostic) -> RowNotes {
    let name = "\(path).paths.txt"
    guard FileManager.default.fileExists(atPath: name) else {
      throw Diagnostic(
        "the features have no names: '\(name)' is not there", at: .file(path),
        hint: "'vitc embed' writes both")
    }
    var photos: [String] = []
    try FileLines(name).forEachText { photos.append($0) }
    guard photos.count == rows else {
      throw Diagnostic(
        "found \(photos.count) names, expected \(rows), one for each row of '\(path)'",
        at: .file(name), hint: "they are of another file")
    }
    var notes = RowNotes()
    notes.photos = photos
    if let bytes = try? TextFile.bytes("\(path).json"), let json = try? JSONReader.read(bytes) {
      notes.library = json["library"]?.string ?? ""
      notes.weights = json["weights"]?.string ?? ""
      notes.model = json["model"]?.string ?? ""
      notes.output = json["output"]?.string ?? ""
    }
    return notes
  }
}
