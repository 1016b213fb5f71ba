import Diagnostics

/// Reads an image processor's file: `preprocessor_config.json`, or the member `image_processor` of
/// `processor_config.json`; absent keys have the defaults of the image processor's class.
struct ProcessorFile {
  typealias Size = (height: Int, width: Int)

  /// What a file says.
  enum Content {
    /// How images are preprocessed, and the size of what that gives.
    case known(Preprocessing, crop: Size)
    /// Why nobody but the class itself knows.
    case refused(String)
  }

  let root: ConfigurationObject
  let type: ProcessorClass
  let image: Size
  var specification: Preprocessing
  var size: ProcessorSize
  /// The size of what has been made so far, or `nil` where it depends on the photo.
  var made: Size?
  /// What edges become multiples of where the photo's aspect is kept and nothing is cut off.
  var keptMultiple: Int?

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - root: The file's object.
  ///   - processor: The class where the file names none, without `ImageProcessor`.
  ///   - image: The size of the model's images, for a processor that neither resizes nor crops.
  ///   - warnings: What the user should know of a class that nobody knows.
  static func read(
    _ root: ConfigurationObject, _ processor: String, _ image: Size,
    _ warnings: inout [Diagnostic]
  ) throws(Diagnostic) -> Content {
    let newType = try root.string("image_processor_type")
    let oldType = try root.string("feature_extractor_type")
    let named = newType ?? oldType ?? processor
    // The class that chooses a class says nothing.
    let name = ProcessorClass.stem(of: named) == "Auto" ? processor : named
    if ProcessorClass.refused.contains(ProcessorClass.stem(of: name)) {
      return .refused("vitc does not follow the image processor '\(name)'")
    }
    guard let type = ProcessorClass.named(name) else {
      return try unknown(name, root, image, &warnings)
    }
    if let flag = type.refusedFlag, try root.bool(flag) ?? false {
      return .refused("vitc does not follow '\(flag)' of the image processor '\(name)'")
    }
    return try known(type, name, root, image)
  }

  private static func known(
    _ type: ProcessorClass, _ name: String, _ root: ConfigurationObject, _ image: Size
  ) throws(Diagnostic) -> Content {
    var file = try ProcessorFile(type, root, image)
    if let reason = try file.readGeometry() {
      return .refused("the image processor '\(name)' \(reason)")
    }
    try file.readValues()
    let fallback = file.specification.mode == .none ? image : file.size.edges
    return .known(file.specification, crop: file.made ?? fallback)
  }

  /// A class that nobody knows: the keys that all classes share mean what they mean elsewhere, if
  /// the file says enough.
  private static func unknown(
    _ name: String, _ root: ConfigurationObject, _ image: Size,
    _ warnings: inout [Diagnostic]
  ) throws(Diagnostic) -> Content {
    let normalizes = try root.bool("do_normalize") ?? true
    let needed =
      (try root.bool("do_resize") ?? true ? ["size"] : [])
      + (normalizes ? ["image_mean", "image_std"] : [])
    for key in needed where root.value(key) == nil {
      return .refused("the image processor '\(name)' is unknown, and its file has no '\(key)'")
    }
    for flag in ["do_pad", "do_flip_channel_order"] where try root.bool(flag) ?? false {
      return .refused("the image processor '\(name)' is unknown, and its file says '\(flag)'")
    }
    warnings.append(
      Diagnostic(
        "unknown image processor '\(name)': its size, filter, crop, mean and standard deviation "
          + "are used as other image processors use them", severity: .warning, at: .file(root.path),
        hint: "compare with the library that the checkpoint is for"))
    let crops = root.value("crop_size") != nil
    // Without 'resample', a resize of transformers' is bilinear.
    let type = ProcessorClass(
      name, .square(0), .bilinear, Preprocessing.unit, crop: nil, crops: crops,
      rgb: try root.bool("do_convert_rgb") ?? false)
    return try known(type, name, root, image)
  }

  private init(
    _ type: ProcessorClass, _ root: ConfigurationObject, _ image: Size
  ) throws(Diagnostic) {
    self.root = root
    self.type = type
    self.image = image
    let square = try root.bool("default_to_square") ?? type.defaultsToSquare
    size = try ProcessorSize(root, square: square) ?? type.size
    specification = Preprocessing(
      mode: .none, resizeWidth: image.width, resizeHeight: image.height,
      filter: try Self.filter(root) ?? type.filter, mean: [0, 0, 0], deviation: [1, 1, 1],
      cropRounding: .down)
    specification.alpha =
      try root.bool("do_convert_rgb") ?? type.convertsToRGB ? .onWhite : .dropped
  }

  private static func filter(
    _ root: ConfigurationObject
  ) throws(Diagnostic) -> Preprocessing.Filter? {
    guard let value = root.value("resample") else { return nil }
    if case .string(let text) = value {
      // "bicubic", or as Python prints it: "PILImageResampling.BICUBIC".
      let name = text.split(separator: ".").last.map(String.init) ?? text
      guard let filter = Preprocessing.Filter(named: name) else {
        throw Diagnostic("unknown 'resample' '\(text)'", at: .file(root.path))
      }
      return filter
    }
    let code = try root.integer("resample") ?? 0
    guard let filter = Preprocessing.Filter(rawValue: code) else {
      throw Diagnostic(
        "'resample' is \(code), expected one of PIL's codes 0 to 5", at: .file(root.path))
    }
    return filter
  }
}
