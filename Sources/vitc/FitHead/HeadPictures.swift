import Compiler
import Diagnostics
import Files
import FoundationEssentials
import HeadFitting
import JSON

/// The folder of `--report`: what fitting a head found as JSON, and two pictures of it.
struct HeadPictures {
  private let report: HeadReport

  init(_ report: HeadReport) { self.report = report }

  /// Writes `report.json`, and of the test photos, or else of leave-one-out, `confusion.svg` and
  /// `reliability.svg`.
  ///
  /// Errors: the folder cannot be made; what ``AtomicFile`` reports.
  func write(to folder: String) throws(Diagnostic) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Diagnostic("cannot make the folder", at: .file(folder), notes: ["\(error)"])
    }
    let json: String
    do {
      json = try JSONValue(encoding: report).text(.indented)
    } catch {
      throw Diagnostic("cannot express the report as JSON", notes: ["\(error)"])
    }
    try write(PlainText.escapedJSON(json) + "\n", "\(folder)/report.json")
    guard let score = report.test ?? report.leaveOneOut else { return }
    let title = report.test == nil ? "leave-one-out" : "test photos"
    let names = report.classes.map(\.name)
    try write(
      ConfusionPicture(names: names, counts: score.confusion, title: title).drawing.document,
      "\(folder)/confusion.svg")
    try write(
      ReliabilityPicture(score.reliability, title: title).drawing.document,
      "\(folder)/reliability.svg")
  }

  private func write(_ text: String, _ path: String) throws(Diagnostic) {
    try AtomicFile.write(path: path, contents: Array(text.utf8))
  }
}
