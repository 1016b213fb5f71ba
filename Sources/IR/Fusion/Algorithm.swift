import Diagnostics

/// How a fused operation computes its matmul.
///
/// It changes the rounding of sums, never what they are.
public enum Algorithm: Hashable, Sendable {
  /// Each matmul by itself.
  case direct
  /// One level of Strassen's algorithm in Winograd's form: 7 matmuls of half the extents take the
  /// place of 8.
  case strassen
  /// Winograd's minimal filtering of tiles of the image: the weight is what `winograd_weight` makes
  /// for the same tile.
  case winograd(WinogradTile)

  /// The words of the text form; `direct` is the default, which is not written.
  private static let words: [(word: String, algorithm: Algorithm)] =
    [("direct", .direct), ("strassen", .strassen)]
    + WinogradTile.allCases.map { ("winograd\($0.rawValue)", .winograd($0)) }

  /// The word of the text form: `direct`, `strassen`, `winograd2`, `winograd4`.
  public var word: String { Algorithm.words.first { $0.algorithm == self }?.word ?? "direct" }

  /// Reads what `write` writes, consuming it.
  init(reading attributes: inout Attributes) throws(Diagnostic) {
    let word = try attributes.text("algorithm", default: "direct")
    guard let found = Algorithm.words.first(where: { $0.word == word }) else {
      let known = Algorithm.words.map(\.word)
      throw Diagnostic(
        "attribute 'algorithm' is '\(word)', expected one of \(known.joined(separator: ", "))",
        hint: Suggestion.hint(for: word, in: known))
    }
    self = found.algorithm
  }

  func write(to list: inout Attributes) {
    if self != .direct { list.set("algorithm", .text(word)) }
  }
}
