import Diagnostics
import JSON

/// What `vitc embed --json` prints.
struct EmbedSummary {
  private struct Head: Encodable {
    struct File: Encodable {
      let file: String?
      let outputs: [ArrayReport]
    }

    let files: [File]
    let photos: Int
    let rows: Int
    let seconds: Double
  }

  private let head: Head

  /// - Parameters:
  ///   - photos: Photos of this run, those that cannot be used included.
  ///   - rows: Rows of the files, with those of before.
  ///   - seconds: How long it took.
  ///   - targets: The files.
  init(photos: Int, rows: Int, seconds: Double, targets: [RowTarget]) {
    head = Head(
      files: targets.map { target in
        .init(
          file: target.path,
          outputs: target.tensors.map { ArrayReport(name: $0.name, shape: [rows] + $0.shape) })
      }, photos: photos, rows: rows, seconds: seconds)
  }

  /// Prints all of it, with the paths of what was left out by reason: there may be as many of them
  /// as there are photos, so that they are not made one value.
  func print(_ skipped: SkippedFiles) throws(Diagnostic) {
    var text: String
    do {
      text = try JSONValue(encoding: head).text(.indented)
    } catch {
      throw Diagnostic("cannot express the result as JSON", notes: ["\(error)"])
    }
    // The member that follows comes last, since keys are sorted.
    text.removeLast("\n}".count)
    write(text + ",\n  \"skipped\" : [")
    // As ``JSONValue/Layout/indented`` leaves a line in what is empty.
    if skipped.groups.isEmpty { write("\n") }
    for (number, group) in skipped.groups.enumerated() {
      write(number == 0 ? "\n" : ",\n")
      write("    {\n      \"photos\" : [")
      var isFirst = true
      try group.all?.forEach { path in
        write((isFirst ? "\n" : ",\n") + "        " + JSONValue.string(path).text(.compact))
        isFirst = false
      }
      write("\n      ],\n      \"reason\" : ")
      write(JSONValue.string(group.reason).text(.compact) + "\n    }")
    }
    write("\n  ]\n}\n")
  }

  private func write(_ text: String) {
    Swift.print(PlainText.escapedJSON(text), terminator: "")
  }
}
