import Diagnostics

/// A tag of a variant: what timm says of one set of pretrained weights of it.
///
/// timm names weights `NAME.TAG`; those of one name may want other preprocessing, and have other
/// classes.
public struct Tag: Hashable, Sendable {
  /// The variant's name.
  public let variant: String
  /// The tag, such as `augreg_in21k`.
  public let name: String
  /// How images are preprocessed for its weights, and the size that they get.
  public let preprocessing: Preprocessing
  /// The height of its images.
  public let imageHeight: Int
  /// The width of its images.
  public let imageWidth: Int
  /// The number of classes of its head, or the width of its projection; 0: no head.
  public let classes: Int

  /// As timm names the weights: `NAME.TAG`.
  public var fullName: String { "\(variant).\(name)" }

  /// All tags, those of a variant one after the other, timm's default first.
  public static let all = lines.compactMap { Tag(line: $0) }

  /// The lines of both tables.
  static let lines = "\(table)\n\(otherTable)".split(separator: "\n")

  /// The tags of a variant, timm's default first.
  public static func tags(of variant: String) -> [Tag] { all.filter { $0.variant == variant } }

  /// `true` iff the head is the projection of a model that was trained with texts, not the classes
  /// of a data set: its outputs are an embedding.
  ///
  /// timm does not say which. Widths of embeddings are multiples of 64, and no data set that timm's
  /// tags name has such a number of classes (1 000, 10 000, 11 221, 11 821, 21 841, 21 843,
  /// 115 217).
  var isProjection: Bool { classes > 0 && classes.isMultiple(of: 64) }

  /// `true` iff timm has weights of a variant whose head is a projection of this width.
  static func isProjection(_ width: Int, of variant: String) -> Bool {
    tags(of: variant).contains { $0.isProjection && $0.classes == width }
  }

  /// Reads a line of the table; `nil` if it is none, which a test would tell.
  init?(line: Substring) {
    let constants = [
      "half": Preprocessing.half, "unit": Preprocessing.unit, "imageNet": Preprocessing.imageNet,
      "clip": Preprocessing.clip, "satellite": Preprocessing.satellite,
    ]
    let fields = line.split(separator: " ").map(String.init)
    guard fields.count == 8 else { return nil }
    let sides = fields[2].split(separator: "x").compactMap { Int($0) }
    guard let height = sides.first, let width = sides.last,
      let filter = Preprocessing.Filter(named: fields[3]), let fraction = Double(fields[4]),
      let mode = Preprocessing.TimmCrop.Mode(rawValue: fields[5]),
      let (mean, deviation) = constants[fields[6]], let classes = Int(fields[7])
    else { return nil }
    variant = fields[0]
    name = fields[1]
    (imageHeight, imageWidth) = (height, width)
    preprocessing = .timm(
      height: height, width: width, cropFraction: fraction, mode: mode, filter: filter,
      mean: mean, deviation: deviation)
    self.classes = classes
  }

  /// Returns the tag that a name of the form `NAME.TAG` means; `nil` if it has another form, or no
  /// variant has the name before the point.
  ///
  /// Throws if timm knows no such tag of the variant.
  static func named(_ name: String) throws(Diagnostic) -> Tag? {
    guard let point = name.firstIndex(of: "."),
      let variant = try? Variants.named(String(name[..<point]))
    else { return nil }
    let wanted = String(name[name.index(after: point)...])
    let tags = tags(of: variant.name)
    if let tag = tags.first(where: { $0.name == wanted }) { return tag }
    let names = tags.map(\.name)
    throw Diagnostic(
      tags.isEmpty
        ? "timm has no tags of '\(variant.name)'"
        : "timm has no tag '\(wanted)' of '\(variant.name)'", at: .argument(name),
      notes: tags.isEmpty ? [] : ["it has \(ShortList.text(names))"],
      hint: Suggestion.hint(for: wanted, in: names)
        ?? "'\(variant.name)' without a tag is the model itself")
  }

  /// Returns the model that the tag's weights are for.
  func model() throws(Diagnostic) -> any Family {
    var model = try Variants.named(variant).model
    if (imageHeight, imageWidth) != (model.imageHeight, model.imageWidth) {
      model = try model.resized(height: imageHeight, width: imageWidth)
    }
    model.facts.name = fullName
    model.preprocessing = preprocessing
    model.classes = classes
    model.labels = ImageNetLabels.labels(classes: classes)
    return model
  }

  /// What to say of a variant without a tag whose tags differ: which was assumed, and how to choose
  /// another.
  static func note(for variant: Variant) -> String? {
    let tags = tags(of: variant.name)
    guard
      let assumed = tags.first(where: { $0.preprocessing == variant.model.preprocessing })
        ?? tags.first
    else { return nil }
    let others = tags.filter {
      $0.preprocessing != assumed.preprocessing || $0.classes != assumed.classes
    }
    guard !others.isEmpty else { return nil }
    return "preprocessing and classes are those of timm's tag '\(assumed.name)'; name the tag of "
      + "other weights, as in '\(others[0].fullName)', if they are one of these, which differ: "
      + ShortList.text(others.map(\.name))
  }
}
