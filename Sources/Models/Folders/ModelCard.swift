import Files

/// The licence that a model card names: the metadata at the beginning of a folder's `README.md`, as
/// the Hugging Face hub has it
/// (https://huggingface.co/docs/hub/model-cards#model-card-metadata).
///
/// ```
/// ---
/// license: other
/// license_name: dinov3-license
/// ---
/// ```
///
/// Three keys of YAML are read, each on a line of its own or with a list below; whatever else is
/// there is skipped.
struct ModelCard {
  /// The identifiers under `license`, in the hub's spelling, such as `apache-2.0`; several where it
  /// is a list.
  private(set) var licenses: [String] = []
  /// `license_name`: what a licence is called whose identifier is `other`.
  private(set) var licenseName: String?
  /// `license_link`.
  private(set) var licenseLink: String?

  /// Cards are texts of some pages.
  private static let mostBytes = 1 << 22

  /// Reads the card of a folder; `nil` if there is none, or it has no metadata.
  ///
  /// A card is prose: nothing in it is an error.
  init?(folder: String) {
    let path = Path.joining(folder, "README.md")
    guard let size = RegularFile.size(path), size <= Self.mostBytes,
      let bytes = try? TextFile.bytes(path), let text = try? TextFile.text(bytes, path)
    else { return nil }
    self.init(text: text)
  }

  /// Reads a card's text; `nil` if it has no metadata.
  init?(text: String) {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.first.map(Self.trimmed) == "---",
      let end = lines.dropFirst().firstIndex(where: { Self.trimmed($0) == "---" })
    else { return nil }
    var listed: String?
    for line in lines[1..<end] {
      if let key = listed, let item = Self.item(line) {
        if key == "license" { licenses.append(item) }
        continue
      }
      listed = nil
      guard let colon = line.firstIndex(of: ":"), line.first?.isLetter == true else { continue }
      let key = String(line[..<colon])
      let rest = Self.trimmed(Self.withoutComment(line[line.index(after: colon)...]))
      switch key {
      case "license":
        if rest.isEmpty {
          listed = key
        } else if rest.hasPrefix("["), rest.hasSuffix("]") {
          licenses += rest.dropFirst().dropLast().split(separator: ",").map {
            Self.scalar(Self.trimmed($0))
          }.filter { !$0.isEmpty }
        } else {
          licenses.append(Self.scalar(rest))
        }
      case "license_name": licenseName = rest.isEmpty ? nil : Self.scalar(rest)
      case "license_link": licenseLink = rest.isEmpty ? nil : Self.scalar(rest)
      default: break
      }
    }
  }

  /// What follows `- ` on the line of an item of a list.
  private static func item(_ line: Substring) -> String? {
    let text = trimmed(withoutComment(line))
    guard text.hasPrefix("- ") else { return nil }
    return scalar(trimmed(text.dropFirst(2)))
  }

  /// A scalar without its quotes.
  private static func scalar(_ text: String) -> String {
    for quote in ["\"", "'"]
    where text.count >= 2 && text.hasPrefix(quote) && text.hasSuffix(quote) {
      return String(text.dropFirst().dropLast())
    }
    return text
  }

  /// The line without what follows a `#` that stands after a blank.
  private static func withoutComment(_ line: Substring) -> Substring {
    var before: Character = " "
    for place in line.indices {
      if line[place] == "#", before.isWhitespace { return line[..<place] }
      before = line[place]
    }
    return line
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let start = text.drop { $0.isWhitespace }
    var rest = String(start)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}
