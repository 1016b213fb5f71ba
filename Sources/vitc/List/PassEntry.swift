import IR
import Passes

/// A row of `vitc list passes`.
struct PassEntry: Encodable {
  /// Why a pass comes before another.
  struct Reason: Encodable {
    let before: String
    let because: String
  }

  let name: String
  let summary: String
  /// The form of a graph that it takes, and the one that it makes.
  let input: String
  let output: String
  /// Why it comes where it does.
  let reasons: [Reason]

  /// The standard pipeline, in its order.
  static var all: [PassEntry] {
    Pipeline.all.map { pass in
      PassEntry(
        name: pass.name, summary: pass.summary, input: pass.input.rawValue,
        output: pass.output.rawValue,
        reasons: Pipeline.order.filter { $0.first.name == pass.name }
          .map { Reason(before: $0.second.name, because: $0.reason) })
    }
  }

  /// The rows for people: each pass, then its reasons.
  static func table(_ entries: [PassEntry]) -> TextTable {
    var table = TextTable([
      ("", .right), ("name", .left), ("form", .left), ("what it does", .left),
    ])
    for (index, entry) in entries.enumerated() {
      let form = entry.input == entry.output ? entry.input : "\(entry.input) -> \(entry.output)"
      table.add([String(index + 1), entry.name, form, entry.summary])
      for reason in entry.reasons {
        table.add(["", "", "", "  before \(reason.before): \(reason.because)"])
      }
    }
    return table
  }
}
