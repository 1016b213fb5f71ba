import Diagnostics

/// Reads `preprocessor_config.json`; absent keys have the defaults of the image processor's class.
enum ProcessorFile {
  typealias Size = (height: Int, width: Int)

  /// The defaults of one of transformers' image processor classes.
  private struct Defaults {
    /// The class, without `ImageProcessor` or `FeatureExtractor`.
    var name: String
    var mode: Preprocessing.Mode
    var size: Int
    var filter: Preprocessing.Filter
    var crop: Int?
    var constants: ([Double], [Double])
  }

  private static let known = [
    Defaults(
      name: "ViT", mode: .exact, size: 224, filter: .bilinear, crop: nil,
      constants: Preprocessing.half),
    Defaults(
      name: "DeiT", mode: .exact, size: 256, filter: .bicubic, crop: 224,
      constants: Preprocessing.half),
    Defaults(
      name: "Bit", mode: .shortestEdge, size: 224, filter: .bicubic, crop: 224,
      constants: Preprocessing.clip),
    Defaults(
      name: "CLIP", mode: .shortestEdge, size: 224, filter: .bicubic, crop: 224,
      constants: Preprocessing.clip),
    Defaults(
      name: "Siglip", mode: .exact, size: 224, filter: .bicubic, crop: nil,
      constants: Preprocessing.half),
    Defaults(
      name: "ViTHybrid", mode: .shortestEdge, size: 224, filter: .bicubic, crop: 224,
      constants: Preprocessing.clip),
    Defaults(
      name: "Beit", mode: .exact, size: 224, filter: .bicubic, crop: nil,
      constants: Preprocessing.half),
  ]

  /// Returns the specification and the size of what it gives, or `nil` for an unknown class;
  /// `processor` is the class where the file names none.
  static func read(
    _ root: ConfigurationObject, _ processor: String, _ image: Size
  ) throws(Diagnostic) -> (Preprocessing, crop: Size)? {
    var name = processor
    let newType = try root.string("image_processor_type")
    let oldType = try root.string("feature_extractor_type")
    if let type = newType ?? oldType {
      name = type
      for suffix in ["Fast", "ImageProcessor", "FeatureExtractor"] where name.hasSuffix(suffix) {
        name = String(name.dropLast(suffix.count))
      }
    }
    guard let defaults = known.first(where: { $0.name == name }) else { return nil }
    let resize = try resize(root, defaults)
    var crop: Size?
    if try root.bool("do_center_crop") ?? (defaults.crop != nil) {
      crop = try size(root, "crop_size") ?? defaults.crop.map { ($0, $0) }
    }
    let resampling = try root.integer("resample") ?? defaults.filter.rawValue
    guard let filter = Preprocessing.Filter(rawValue: resampling) else {
      throw Diagnostic(
        "'resample' is \(resampling), expected one of PIL's codes 0 to 5", at: .file(root.path))
    }
    var specification = Preprocessing(
      mode: resize.mode, resizeWidth: resize.size.width, resizeHeight: resize.size.height,
      filter: filter, mean: [0, 0, 0], deviation: [1, 1, 1], cropRounding: .down)
    if try root.bool("do_rescale") ?? true {
      specification.rescale = try root.double("rescale_factor") ?? 1 / 255
    } else {
      specification.rescale = 1
    }
    if try root.bool("do_normalize") ?? true {
      specification.mean = try channels(root, "image_mean") ?? defaults.constants.0
      specification.deviation = try channels(root, "image_std") ?? defaults.constants.1
    }
    for deviation in specification.deviation where deviation == 0 {
      throw Diagnostic("'image_std' is zero", at: .file(root.path))
    }
    let fallback = resize.mode == .none ? image : resize.size
    return (specification, crop ?? fallback)
  }

  private static func resize(
    _ root: ConfigurationObject, _ defaults: Defaults
  ) throws(Diagnostic) -> (mode: Preprocessing.Mode, size: Size) {
    let size: (mode: Preprocessing.Mode, size: Size)
    if let value = root.value("size") {
      if let side = value.integer {
        size = (defaults.mode, (side, side))
      } else if case .object = value, let object = try root.object("size") {
        if let edge = try object.integer("shortest_edge") {
          size = (.shortestEdge, (edge, edge))
        } else if let height = try object.integer("height"),
          let width = try object.integer("width")
        {
          size = (.exact, (height, width))
        } else {
          throw root.mistyped("size", value, expected: "'shortest_edge', or 'height' and 'width'")
        }
      } else {
        throw root.mistyped("size", value, expected: "an integer or an object")
      }
    } else {
      size = (defaults.mode, (defaults.size, defaults.size))
    }
    guard (1...16384).contains(size.size.height), (1...16384).contains(size.size.width) else {
      throw Diagnostic(
        "'size' is \(size.size.height)x\(size.size.width), expected 1 to 16384",
        at: .file(root.path))
    }
    return try root.bool("do_resize") ?? true ? size : (.none, size.size)
  }

  private static func size(
    _ root: ConfigurationObject, _ key: String
  ) throws(Diagnostic) -> Size? {
    guard let value = root.value(key) else { return nil }
    var result: Size?
    if let side = value.integer {
      result = (side, side)
    } else if let object = try? root.object(key), let height = try object.integer("height"),
      let width = try object.integer("width")
    {
      result = (height, width)
    }
    guard let result, (1...16384).contains(result.height), (1...16384).contains(result.width)
    else {
      throw root.mistyped(key, value, expected: "an integer, or 'height' and 'width'")
    }
    return result
  }

  private static func channels(
    _ root: ConfigurationObject, _ key: String
  ) throws(Diagnostic) -> [Double]? {
    guard let numbers = try root.doubles(key) else { return nil }
    guard numbers.count == 3, numbers.allSatisfy(\.isFinite) else {
      throw Diagnostic(
        "'\(root.prefix)\(key)' has \(numbers.count) numbers, expected 3", at: .file(root.path))
    }
    return numbers
  }
}
