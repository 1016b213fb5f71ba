/// The sequences of ftfy's test for text in UTF-8 that was read in another encoding
/// (`ftfy.badness.is_bad`, version 6.3.1); what is done with them says `Misreading` of Tokenizing.
enum Mojibake {
  /// A class as in the brackets of a regular expression: letters, ranges `a-z`, `{classes}` of
  /// ``TextRepairTable``; a first `^` takes what the class has not.
  private struct LetterClass {
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

    /// Appends its ranges; returns their place and their number.
    func write(to writer: inout TableWriter) -> [UInt32] {
      let bits: UInt32 = (isNegated ? 1 : 0) | (takesSpace ? 2 : 0) | (takesWords ? 4 : 0)
      let place = writer.append([bits] + ranges.flatMap { [$0.lowerBound, $0.upperBound] })
      return [place, UInt32(ranges.count)]
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

  /// Appends the section; returns its place.
  static func write(to writer: inout TableWriter) -> UInt32 {
    let patterns = sources.map { (startsText: false, classes: $0) } + [(true, ["ÃÂ", " "])]
    var words = [UInt32(patterns.count)]
    for (startsText, classes) in patterns {
      let places = classes.flatMap { LetterClass($0).write(to: &writer) }
      words += [startsText ? 1 : 0, UInt32(classes.count), writer.append(places)]
    }
    return writer.append(words)
  }
}
