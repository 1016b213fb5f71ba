@_spi(_Unicode) import Swift
import Tokenizing

/// Unicode's tables, as Swift's own strings have them, in the forms of ``TokenTable``.
enum UnicodeTables {
  /// Runs of scalars with equal bits.
  typealias Runs = [(first: UInt32, bits: UInt32)]

  /// The runs of what a function says of each scalar; surrogates are as the scalar before them.
  private static func runs(_ bits: (Unicode.Scalar) -> UInt32) -> Runs {
    var runs: Runs = []
    for value: UInt32 in 0...0x10_FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let found = bits(scalar)
      if runs.last?.bits != found { runs.append((value, found)) }
    }
    return runs
  }

  /// The ``ScalarClass``es.
  private static let allClasses = runs { scalar in
    let properties = scalar.properties
    let category = properties.generalCategory
    let isLetter =
      switch category {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
      default: false
      }
    let isNumber = [.decimalNumber, .letterNumber, .otherNumber].contains(category)
    var bits: UInt32 = 0
    if isLetter { bits |= ScalarClass.letter.rawValue }
    if isNumber { bits |= ScalarClass.number.rawValue }
    if category == .decimalNumber { bits |= ScalarClass.decimal.rawValue }
    if properties.isWhitespace { bits |= ScalarClass.space.rawValue }
    if properties.isAlphabetic || category == .decimalNumber { bits |= ScalarClass.word.rawValue }
    if properties.isCased { bits |= ScalarClass.cased.rawValue }
    if properties.isCaseIgnorable { bits |= ScalarClass.caseIgnorable.rawValue }
    return bits
  }

  /// The runs of those bits that are in a mask.
  static func classes(_ mask: UInt32) -> Runs {
    var runs: Runs = []
    for (first, bits) in allClasses where runs.last?.bits != bits & mask {
      runs.append((first, bits & mask))
    }
    return runs
  }

  /// The scalars whose lower case is another, or several.
  static let lowerCase: [UInt32: [UInt32]] = {
    var map: [UInt32: [UInt32]] = [:]
    for value: UInt32 in 0...0x1_FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let lower = scalar.properties.lowercaseMapping.unicodeScalars.map(\.value)
      if lower != [value] { map[value] = lower }
    }
    return map
  }()

  /// Where scalars are that decompose, or are of a cluster with others: not ideographs, syllables
  /// of Korean, private ones, or planes without any.
  private static let candidates: [ClosedRange<UInt32>] = [
    0x00...0x33FF, 0xA000...0xABFF, 0xD7A4...0xD7FF, 0xF900...0xFFFF, 0x1_0000...0x1_FFFF,
    0x2_F800...0x2_FA1F, 0xE_0000...0xE_0FFF,
  ]

  private static var candidateScalars: some Sequence<Unicode.Scalar> {
    candidates.lazy.flatMap { $0.lazy.compactMap { Unicode.Scalar($0) } }
  }

  /// The canonical decompositions, all steps done; those of Korean follow from arithmetic.
  static let decompositions: [UInt32: [UInt32]] = {
    var map: [UInt32: [UInt32]] = [:]
    for scalar in candidateScalars {
      let parts = String(scalar)._nfd.map(\.value)
      if parts != [scalar.value] { map[scalar.value] = parts }
    }
    return map
  }()

  /// The canonical combining classes.
  static let combiningClasses = runs { UInt32($0.properties.canonicalCombiningClass.rawValue) }

  /// The pairs that compose: the scalars that their own decomposition composes to.
  static let compositions: [(first: UInt32, second: UInt32, composite: UInt32)] = {
    var pairs: [(first: UInt32, second: UInt32, composite: UInt32)] = []
    for (value, parts) in decompositions where parts.count > 1 {
      let whole = Scalars(parts.compactMap { Unicode.Scalar($0) })
      guard whole.text._nfc.map(\.value) == [value] else { continue }
      // What is before its last part composes to one scalar first.
      let first = Scalars(whole.dropLast()).text._nfc.map(\.value)
      if first.count == 1 { pairs.append((first[0], parts[parts.count - 1], value)) }
    }
    return pairs.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
  }()

  /// The ``ClusterClass``es, found by what Swift's characters hold together.
  static let clusters: Runs = {
    var all: [UInt32: UInt32] = [:]
    func isOne(_ before: String, _ scalar: Unicode.Scalar, _ behind: String) -> Bool {
      (before + String(scalar) + behind).count == 1
    }
    for scalar in candidateScalars {
      let extends = isOne("a", scalar, "")
      let found: [(ClusterClass, Bool)] = [
        (.extending, extends), (.prepended, isOne("", scalar, "a")),
        // A control character joins no accent.
        (.control, !isOne("", scalar, "\u{301}")),
        // The letter KA of Devanagari and the sign that joins consonants.
        (.consonant, isOne("", scalar, "\u{94D}\u{915}")),
        (.linker, isOne("\u{915}", scalar, "\u{915}")),
        (.picture, !extends && isOne("\u{1F600}\u{200D}", scalar, "")),
      ]
      let bits = found.reduce(UInt32(0)) { $1.1 ? $0 | $1.0.rawValue : $0 }
      if bits != 0 { all[scalar.value] = bits }
    }
    var runs: Runs = [(0, all[0] ?? 0)]
    for value in all.keys.sorted() {
      let bits = all[value] ?? 0
      if runs.last?.bits != bits { runs.append((value, bits)) }
      if all[value + 1] == nil { runs.append((value + 1, 0)) }
    }
    return runs
  }()
}
