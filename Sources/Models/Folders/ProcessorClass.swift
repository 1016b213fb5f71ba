/// One of transformers' image processor classes: what it does where its file says nothing.
struct ProcessorClass: Sendable {
  /// How a class differs from resize, crop, rescale, normalize.
  enum Rule: Sendable {
    case plain
    /// Never crops, whatever the file says.
    case uncropped
    /// Below 384 a resize to the edge over `crop_pct` and a crop to the edge; else an exact resize.
    case convNext
    /// The edge is multiplied by 256/224 before the resize.
    case levit
    /// The edge is divided by `crop_pct` before the resize, if there is one.
    case poolFormer
    /// `rescale_offset` and `include_top`.
    case efficientNet
    /// The first channel is blue; nothing is normalized.
    case mobileViT
    /// The first channel is blue; values are neither rescaled nor normalized.
    case layoutLMv2
    /// Values are rescaled before the resize, which is therefore one of floats.
    case floats
    /// `ensure_multiple_of` and `keep_aspect_ratio`.
    case dpt
    /// `max_num_patches` patches of `patch_size` at most, the photo's aspect kept.
    case patches
    /// With `do_pad` the aspect is kept, and what lacks is padded around the centre.
    case sapiens
    /// Padded at the right and the bottom after the normalization, to `pad_size`.
    case padded
  }

  /// The class, without `ImageProcessor`.
  let name: String
  /// What is resized to what.
  let size: ProcessorSize
  let filter: Preprocessing.Filter
  /// The side of the crop.
  let crop: Int?
  /// Whether images are cropped where the file does not say.
  let crops: Bool
  /// Mean and standard deviation where values are normalized.
  let constants: ([Double], [Double])
  /// Whether values are normalized where the file does not say.
  let normalizes: Bool
  /// What values are multiplied by where the file does not say.
  let rescale: Double
  /// Whether pictures become RGB, transparent ones on white, where the file does not say.
  let convertsToRGB: Bool
  /// Whether an integer for a size is a square.
  let defaultsToSquare: Bool
  let rule: Rule
  /// A key whose truth asks for more images than one.
  let refusedFlag: String?

  init(
    _ name: String, _ size: ProcessorSize, _ filter: Preprocessing.Filter,
    _ constants: ([Double], [Double])?, crop: Int? = nil, crops: Bool? = nil,
    normalizes: Bool? = nil, rescale: Double = 1 / 255, rgb: Bool = false, square: Bool? = nil,
    rule: Rule = .plain, refused: String? = nil
  ) {
    self.name = name
    self.size = size
    self.filter = filter
    self.crop = crop
    self.crops = crops ?? (crop != nil)
    self.constants = constants ?? Preprocessing.unit
    self.normalizes = normalizes ?? (constants != nil)
    self.rescale = rescale
    convertsToRGB = rgb
    defaultsToSquare = square ?? size.isSquare
    self.rule = rule
    refusedFlag = refused
  }

  /// Returns the class of this name in any of its spellings: of either back end (`…Fast`, `…Pil`),
  /// and the feature extractors of before.
  static func named(_ name: String) -> ProcessorClass? {
    let stem = stem(of: name)
    return all.first { $0.name == stem }
  }

  /// A class's name without what all of them end in.
  static func stem(of name: String) -> String {
    var stem = name
    let suffixes = ["Fast", "Pil", "ImageProcessor", "FeatureExtractor"]
    for suffix in suffixes where stem.hasSuffix(suffix) {
      stem = String(stem.dropLast(suffix.count))
    }
    return stem
  }
}
