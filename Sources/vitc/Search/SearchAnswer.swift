import Diagnostics

/// The photos that are most like a photo.
struct SearchAnswer: Encodable {
  /// One of them.
  struct Match: Encodable, Hashable {
    /// The photo.
    let file: String
    /// The cosine of the angle between the features.
    let score: Float
  }

  /// The photo that was asked about.
  let file: String
  /// Those like it, the most like first.
  let matches: [Match]

  /// The answer for people: a line for each.
  var text: String {
    var table = TextTable([.right, .left])
    for match in matches { table.add([Format.fixed(Double(match.score), 4), match.file]) }
    return "\(PlainText.escaped(file))\n" + table.text(indentation: 2)
  }
}
