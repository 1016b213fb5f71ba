/// The names of ImageNet's classes.
enum ImageNetLabels {
  /// The labels of ImageNet-1k, whose number of classes no other head of timm's has.
  static let all = "\(text)".split(separator: ";").map { label in
    String(label.drop { $0 == " " || $0 == "\n" })
  }

  /// The labels of a head of timm's with so many classes, or none where vitc has none: those of
  /// ImageNet-12k and ImageNet-21k are to be given as a file.
  static func labels(classes: Int) -> [String] { classes == all.count ? all : [] }
}
