/// ftfy's test for text in UTF-8 that was read in another encoding (`ftfy.badness.is_bad`, version
/// 6.3.1): sequences of letters that such text has and other text hardly ever.
enum Mojibake {
  /// One of the alternatives of ftfy's expression: classes of letters, one behind the other.
  private struct Pattern: Sendable {
    let startsText: Bool
    let classes: [LetterClass]
  }

  /// A class as in the brackets of a regular expression: letters, ranges `a-z`, `{classes}` of
  /// ``TextRepairTable``; a first `^` takes what the class has not.
  private struct LetterClass: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var isNegated = false
    var takesSpace = false
    var takesWords = false

    init(_ text: String) {
      var scalars = Scalars(text)[...]
      if scalars.first == "^", scalars.count > 1 {
        isNegated = true
        scalars.removeFirst()
      }
      while let first = scalars.popFirst() {
        if first == "{" {
          let name = Scalars(scalars.prefix { $0 != "}" }).text
          scalars = scalars.dropFirst(name.unicodeScalars.count + 1)
          switch name {
          case "s": takesSpace = true
          case "w": takesWords = true
          case "any": (isNegated, ranges) = (true, [0x0A...0x0A])
          default: ranges += LetterClass(TextRepairTable.classes[name] ?? "").ranges
          }
        } else if scalars.first == "-", scalars.count > 1 {
          scalars.removeFirst()
          ranges.append(first.value...(scalars.popFirst() ?? first).value)
        } else {
          ranges.append(first.value...first.value)
        }
      }
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
      if takesSpace && scalar.isPythonSpace { return true }
      if takesWords && (scalar.isLetter || scalar.isNumber || scalar == "_") { return true }
      return ranges.contains { $0.contains(scalar.value) } != isNegated
    }
  }

  private static let sources: [[String]] = [
    ["{c1}"],
    [
      "{bad}{lowerAccented}{upperAccented}{box}{startPunctuation}{endPunctuation}{currency}"
        + "{numeric}{law}", "{bad}",
    ],
    ["a-zA-Z", "{lowerCommon}{upperCommon}", "{bad}"],
    [
      "{bad}",
      "{lowerAccented}{upperAccented}{box}{startPunctuation}{endPunctuation}{currency}{numeric}"
        + "{law}",
    ],
    [
      "{lowerAccented}{lowerCommon}{box}{endPunctuation}{currency}{numeric}", "{upperAccented}",
    ],
    ["{box}{endPunctuation}{currency}{numeric}", "{lowerAccented}"],
    ["{lowerAccented}{box}{endPunctuation}", "{currency}"],
    ["{s}", "{upperAccented}", "{currency}"],
    ["{upperAccented}{box}", "{numeric}{law}"],
    [
      "{lowerAccented}{upperAccented}{box}{currency}{endPunctuation}", "{startPunctuation}",
      "{numeric}",
    ],
    [
      "{lowerAccented}{upperAccented}{currency}{numeric}{box}{law}", "{endPunctuation}",
      "{startPunctuation}",
    ],
    ["{currency}{numeric}{box}", "{startPunctuation}"],
    ["a-z", "{upperAccented}", "{startPunctuation}{currency}"],
    ["{box}", "{kaomoji}"],
    [
      "{lowerAccented}{upperAccented}{currency}{numeric}{startPunctuation}{endPunctuation}{law}",
      "{box}",
    ],
    ["{box}", "{endPunctuation}"],
    ["{lowerAccented}{upperAccented}", "{startPunctuation}{endPunctuation}", "{w}"],
    // The ligature œ where no plain letter follows.
    ["Œœ", "^A-Za-z"],
    ["{upperAccented}", "°"],
    // Windows-1252.
    [
      "ÂÃÎÐ",
      "€œŠš¢£Ÿž\u{A0}\u{AD}®©°·»{startPunctuation}{endPunctuation}–—´",
    ],
    ["×", "²³"],
    // Arabic in Windows-1252.
    [
      "ØÙ", "{common}{currency}{bad}{numeric}{startPunctuation}ŸŠ®°µ»",
      "ØÙ", "{common}{currency}{bad}{numeric}{startPunctuation}ŸŠ®°µ»",
    ],
    ["à", "²µ¹¼½¾"],
    // MacRoman.
    ["√", "±∂†≠®™´≤≥¥µø"], ["≈", "°¢"], ["‚", "Ä", "ìîïòôúùû†°¢π"], ["‚", "âó", "àä°ê"],
    // Windows-1251.
    ["в", "Ђ"],
    ["ВГРС", "{c1}{bad}{startPunctuation}{endPunctuation}{currency}°µ", "ВГРС"],
    ["Г", "ў", "В", "Ђ", "В", "{any}", "A-Za-z "],
    // Windows-1252 of à and á and of the hard blank.
    ["Ã", "\u{A0}¡"], ["a-z", "ÃÂ", " "], ["a-z", "{s}", "ÃÂ", " "],
    ["a-z.,?!{endPunctuation}", "Â", " {startPunctuation}{endPunctuation}"],
    // Windows-1253.
    ["β", "€", "™\u{A0}Ά\u{AD}®°"],
    ["ΒΓΞΟ", "{c1}{bad}{startPunctuation}{endPunctuation}{currency}°", "ΒΓΞΟ"],
    // Windows-1257.
    ["ā", "€"],
  ]

  private static let patterns: [Pattern] =
    sources.map { Pattern(startsText: false, classes: $0.map(LetterClass.init)) }
    + [Pattern(startsText: true, classes: ["ÃÂ", " "].map(LetterClass.init))]

  /// `true` iff a text looks so.
  static func isLikely(_ text: Scalars) -> Bool {
    // What has ASCII alone cannot.
    guard text.contains(where: { !$0.isASCII }) else { return false }
    return text.indices.contains { index in
      patterns.contains { pattern in
        (!pattern.startsText || index == 0) && index + pattern.classes.count <= text.count
          && zip(pattern.classes, text[index...]).allSatisfy { $0.contains($1) }
      }
    }
  }
}
