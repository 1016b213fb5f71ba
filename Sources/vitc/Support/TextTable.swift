import Diagnostics

/// Rows of text in aligned columns.
struct TextTable {
  /// How a column is aligned.
  enum Alignment {
    case left
    case right
  }

  private let alignments: [Alignment]
  private var rows: [[String]] = []

  /// Creates a table with a column for each alignment.
  init(_ alignments: [Alignment]) { self.alignments = alignments }

  /// Creates a table with a heading.
  init(_ columns: [(heading: String, alignment: Alignment)]) {
    alignments = columns.map(\.alignment)
    rows = [columns.map(\.heading)]
  }

  /// Adds a row with as many cells as there are columns.
  mutating func add(_ cells: [String]) { rows.append(cells.map(PlainText.escaped)) }

  /// The rows as lines, columns two spaces apart, without trailing spaces.
  var lines: [String] {
    let widths = alignments.indices.map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return alignments[column] == .left ? row[column] + padding : padding + row[column]
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// The lines with `indentation` spaces before each, each ended.
  func text(indentation: Int = 0) -> String {
    lines.map { String(repeating: " ", count: indentation) + $0 + "\n" }.joined()
  }
}
