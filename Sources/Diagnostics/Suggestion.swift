/// The candidates nearest to a misspelt word, for "did you mean".
public enum Suggestion {
  /// Words longer than this have no suggestions: the distance takes the product of two lengths, and
  /// both words may come from a hostile file.
  private static let longestWord = 200

  /// Returns up to `limit` candidates within an edit distance of a third of the word's length,
  /// the nearest first; case does not count.
  public static func nearest(to word: String, in candidates: [String], limit: Int = 3) -> [String] {
    guard word.utf8.count <= longestWord else { return [] }
    let lowered = Array(word.lowercased())
    let furthest = max(2, lowered.count / 3)
    let ranked = candidates.filter { $0.utf8.count <= longestWord }
      .map { ($0, Array($0.lowercased())) }
      .filter { abs($0.1.count - lowered.count) <= furthest }
      .map { ($0.0, distance(lowered, $0.1)) }
      .filter { $0.1 <= furthest }
      .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    return ranked.prefix(limit).map(\.0)
  }

  /// Returns "did you mean 'a' or 'b'?", or `nil` where nothing is near.
  public static func hint(for word: String, in candidates: [String]) -> String? {
    let near = nearest(to: word, in: candidates)
    return near.isEmpty
      ? nil : "did you mean \(near.map { "'\($0)'" }.joined(separator: " or "))?"
  }

  /// The Levenshtein distance.
  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var previous = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var current = [i + 1]
      for (j, y) in b.enumerated() {
        current.append(
          min(previous[j] + (x == y ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
      }
      previous = current
    }
    return previous[b.count]
  }
}
