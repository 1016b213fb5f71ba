/// The names of ImageNet's classes: WordNet's lemmas, as timm has them.
///
/// timm tells the sets apart by their number of classes (`infer_imagenet_subset` of its
/// `imagenet_info.py`); those of more than 1000 are parts of Google's ImageNet-21k, in its order.
enum ImageNetLabels {
  /// The labels of a head of timm's with so many classes, or none where no set of ImageNet's has
  /// them.
  static func labels(classes: Int) -> [String] {
    switch classes {
    case 1000: words(text)
    case 21843: words(text21k)
    case 21841: part(in22k)
    case 11821: part(in12k)
    case 11221: part(in21kMIIL)
    default: []
    }
  }

  /// The labels of a literal, which has semicolons between them.
  private static func words(_ text: StaticString) -> [String] {
    "\(text)".split(separator: ";").map { label in
      String(label.drop { $0 == " " || $0 == "\n" })
    }
  }

  /// The labels of ImageNet-21k whose bit is 1, the highest of each hexadecimal digit first.
  private static func part(_ bits: StaticString) -> [String] {
    let isIn = "\(bits)".flatMap { digit in
      let value = digit.hexDigitValue ?? 0
      return [8, 4, 2, 1].map { value & $0 != 0 }
    }
    return zip(words(text21k), isIn).filter(\.1).map(\.0)
  }
}
