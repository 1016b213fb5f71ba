/// A step that changes a text before it is divided into words; named as the library `tokenizers`
/// names them (`normalizers`).
enum Normalizer: Sendable {
  /// Unicode's form C.
  case nfc
  /// Each scalar in lower case by itself.
  case lowercase
  /// One blank for each run of white space.
  case collapseSpace
  /// One blank for each run of two or more blanks.
  case collapseBlanks
  /// Every occurrence of the first becomes the second.
  case replace(Scalars, with: Scalars)
  /// Puts a text before one that is not empty.
  case prepend(Scalars)
  /// Takes white space off the ends.
  case strip(left: Bool, right: Bool)
  /// SentencePiece's table, applied by clusters of scalars.
  case charsMap(CharsMap)

  /// The text after the step.
  func normalized(_ text: Scalars) -> Scalars {
    switch self {
    case .nfc: text.normalizedC
    case .lowercase: text.lowerCasedOneByOne
    case .collapseSpace: text.collapsing(\.isSpace)
    case .collapseBlanks: Self.blanksCollapsed(text)
    case .replace(let old, let new): Self.replaced(text, old, new)
    case .prepend(let prefix): text.isEmpty ? text : prefix + text
    case .strip(let left, let right): Self.stripped(text, left, right)
    case .charsMap(let map): map.normalizedByClusters(text)
    }
  }

  private static func blanksCollapsed(_ text: Scalars) -> Scalars { text.collapsing { $0 == " " } }

  static func replaced(_ text: Scalars, _ old: Scalars, _ new: Scalars) -> Scalars {
    guard !old.isEmpty else { return text }
    var result: Scalars = []
    var index = 0
    while index < text.count {
      if text[index...].starts(with: old) {
        result += new
        index += old.count
      } else {
        result.append(text[index])
        index += 1
      }
    }
    return result
  }

  private static func stripped(_ text: Scalars, _ left: Bool, _ right: Bool) -> Scalars {
    var rest = text[...]
    if left { rest = rest.drop { $0.isSpace } }
    if right { while let last = rest.last, last.isSpace { rest.removeLast() } }
    return Scalars(rest)
  }
}
