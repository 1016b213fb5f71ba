@_spi(_Unicode) import Swift

/// What texts are while they are normalized: Unicode scalars.
///
/// Swift's characters are clusters of
/// these, which no tokenizer works on.
typealias Scalars = [Unicode.Scalar]

extension Scalars {
  /// The scalars of a text.
  init(_ text: String) { self = Array(text.unicodeScalars) }

  /// The text.
  var text: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: self)
    return String(view)
  }

  /// Normalization form C, by the tables of Swift's own strings.
  var normalizedC: Scalars { Array(text._nfc) }

  /// Each scalar in lower case by itself, as Rust's `char::to_lowercase`: a final sigma is a sigma.
  var lowerCasedOneByOne: Scalars {
    flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
  }

  /// Lower case as Python's `str.lower` has it: a capital sigma at the end of a word becomes `ς`,
  /// by Unicode's condition `Final_Sigma`.
  var lowerCased: Scalars {
    var result: Scalars = []
    for (index, scalar) in enumerated() {
      if scalar == "\u{3A3}" {
        result.append(isFinal(at: index) ? "\u{3C2}" : "\u{3C3}")
      } else {
        result += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return result
  }

  /// `true` iff a cased letter is before and none behind; letters that case ignores do not count.
  private func isFinal(at index: Int) -> Bool {
    let before = self[..<index].last { !$0.properties.isCaseIgnorable }
    let behind = self[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && behind?.properties.isCased != true
  }

  /// Without white space at both ends, and one blank for each run of it, as Python's
  /// `" ".join(text.split())`.
  var withSingleBlanks: Scalars {
    Scalars(split { $0.isPythonSpace }.joined(separator: [" "]))
  }

  /// One blank for each run of what `isSpace` says.
  func collapsing(_ isSpace: (Unicode.Scalar) -> Bool) -> Scalars {
    var result: Scalars = []
    var wasSpace = false
    for scalar in self {
      let isBlank = isSpace(scalar)
      if !isBlank { result.append(scalar) } else if !wasSpace { result.append(" ") }
      wasSpace = isBlank
    }
    return result
  }

  /// Without the ASCII punctuation that Python's `string.punctuation` lists.
  var withoutPunctuation: Scalars { filter { !$0.isASCIIPunctuation } }
}

extension Unicode.Scalar {
  /// What Unicode calls white space, and `\s` matches in the regular expressions of `tokenizers`
  /// and of Python's `regex`.
  var isSpace: Bool { properties.isWhitespace }

  /// What Python's `str.split` and `re` take for white space: four separators more.
  var isPythonSpace: Bool { isSpace || (0x1C...0x1F).contains(value) }

  /// `!"#$%&'()*+,-./:;<=>?@[\]^_` and so on.
  var isASCIIPunctuation: Bool {
    switch value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
    default: false
    }
  }

  /// `\p{L}`.
  var isLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  /// `\p{N}`.
  var isNumber: Bool {
    switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }
}
