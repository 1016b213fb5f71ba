import Tokenizing

/// A step that changes a text before it is divided into words; named as the library `tokenizers`
/// names them (`normalizers`).
///
/// What each does says ``NormalizerCode``.
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

  /// Appends what the step asks for; returns its four words.
  func write(to writer: inout TableWriter) -> [UInt32] {
    func words(_ code: NormalizerCode, _ first: UInt32 = 0, _ second: UInt32 = 0) -> [UInt32] {
      [code.rawValue, first, second, 0]
    }
    func text(_ scalars: Scalars) -> UInt32 { writer.append(list: scalars.map(\.value)) }
    return switch self {
    case .nfc: words(.nfc)
    case .lowercase: words(.lowercase)
    case .collapseSpace: words(.collapseSpace)
    case .collapseBlanks: words(.collapseBlanks)
    case .replace(let old, let new): words(.replace, text(old), text(new))
    case .prepend(let prefix): words(.prepend, text(prefix))
    case .strip(let left, let right): words(.strip, (left ? 1 : 0) | (right ? 2 : 0))
    case .charsMap(let map): words(.charsMap, map.write(to: &writer))
    }
  }

  /// How many scalars it makes of one at most.
  var growth: Int {
    switch self {
    // Of all characters; Unicode's tables are far from these bounds.
    case .nfc, .lowercase: 3
    case .collapseSpace, .collapseBlanks, .strip: 1
    case .replace(let old, let new):
      old.isEmpty ? 1 : max(1, (new.count + old.count - 1) / old.count)
    case .prepend(let prefix): 1 + prefix.count
    case .charsMap(let map): map.longestText
    }
  }

  /// Of Unicode's tables, what it asks for.
  var needs: UnicodeNeeds {
    switch self {
    case .nfc: .composition
    case .lowercase: .lowerCase
    case .collapseSpace, .strip: .space
    case .charsMap: .clusters
    case .collapseBlanks, .replace, .prepend: []
    }
  }
}
