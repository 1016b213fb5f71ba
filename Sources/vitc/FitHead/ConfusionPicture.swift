import Figures

/// A confusion matrix: a row for each true class, a column for each that it was taken for, dark
/// where many photos of the row are.
struct ConfusionPicture {
  /// The names of the classes.
  let names: [String]
  /// How many photos, row by row of the true class.
  let counts: [[Int]]
  /// What the photos are.
  let title: String

  /// Names are cut after so many characters.
  private static let longestName = 24
  /// The width of a character of size 11, at most.
  private static let letter = 7.0
  /// The side of a matrix of many classes.
  private static let largeSide = 800.0
  /// The side of a cell that holds a number.
  private static let cellSide = 34.0

  /// The drawing.
  var drawing: SVG {
    let count = Double(max(1, names.count))
    let cell = min(Self.cellSide, Self.largeSide / count)
    let isNamed = cell >= 11
    let labels = names.map { name in
      name.count > Self.longestName ? name.prefix(Self.longestName - 1) + "…" : name
    }
    let margin = isNamed ? 24 + Self.letter * Double(labels.map(\.count).max() ?? 0) : 24
    let (left, top, side) = (margin, 40 + margin, cell * count)
    var drawing = SVG(width: left + side + 24, height: top + side + 24)
    drawing.text(
      "rows: true class, columns: taken for (\(title))", at: (12, 20), anchor: .start, size: 13)
    for (row, line) in counts.enumerated() {
      let total = line.reduce(0, +)
      let y = top + Double(row) * cell
      for (column, photos) in line.enumerated() {
        let x = left + Double(column) * cell
        let part = total > 0 ? Double(photos) / Double(total) : 0
        drawing.box(
          at: (x, y), size: (cell, cell), color: Self.shade(part, isRight: row == column),
          title: "\(names[row]) taken for \(names[column]): \(photos) of \(total)")
        if photos > 0, cell >= 20 {
          drawing.text(
            String(photos), at: (x + cell / 2, y + cell / 2 + 4), size: 11,
            color: part > 0.5 ? "#fff" : "#333")
        }
      }
      guard isNamed else { continue }
      drawing.text(labels[row], at: (left - 6, y + cell / 2 + 4), anchor: .end, size: 11)
      drawing.text(
        labels[row], at: (left + (Double(row) + 0.5) * cell + 4, top - 6), anchor: .start,
        size: 11, turned: -90)
    }
    return drawing
  }

  /// White for 0, dark blue for all of a right class, dark red for all of a wrong one.
  static func shade(_ part: Double, isRight: Bool) -> String {
    let end = isRight ? [0x1F, 0x4E, 0x9E] : [0xA8, 0x1E, 0x1E]
    let digits = end.map { value in
      let mixed = 255 + (Double(value) - 255) * part.squareRoot()
      let text = String(Int(mixed.rounded()), radix: 16)
      return text.count < 2 ? "0" + text : text
    }
    return "#" + digits.joined()
  }
}
