/// Lists in messages: long ones are cut, since nobody reads on and each may come from a hostile
/// file.
public enum ShortList {
  /// How many entries are shown.
  public static let limit = 20

  /// The first entries, and a last line that says how many more there are.
  public static func lines(_ entries: [String]) -> [String] {
    guard entries.count > limit else { return entries }
    return entries.prefix(limit) + ["and \(grouped(entries.count - limit)) more"]
  }

  /// The first entries with commas, and how many more there are.
  public static func text(_ entries: [String]) -> String {
    lines(entries).joined(separator: ", ")
  }

  /// A count with spaces between groups of three digits: `79 980`.
  private static func grouped(_ count: Int) -> String {
    var text = ""
    let digits = Array(String(count))
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += " " }
      text.append(digit)
    }
    return text
  }
}
