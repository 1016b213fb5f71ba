import Diagnostics
import Images
import VitRuntime

/// Images as the model wants them, one after another: each [channels, height, width].
public struct PreparedImages: Sendable {
  /// The elements.
  public private(set) var values: [Float]
  /// Of each image the place of its size in the model's.
  public private(set) var sizes: [Int]
  /// The number of images; at least 1 where they are to be run.
  public var count: Int { sizes.count }

  /// Creates images of one size.
  public init(values: [Float], count: Int, size: Int = 0) {
    self.values = values
    sizes = Array(repeating: size, count: count)
  }

  /// Adds an image.
  mutating func append(_ image: (image: [Float], size: Int)) {
    values += image.image
    sizes.append(image.size)
  }
}

/// What turns the tensor of a request into images for one model.
///
/// The datatype decides what the tensor is, and the model's own preprocessing is applied to the
/// last two:
/// - `FP32` [n, channels, height, width]: images as the library's `run` takes them, of one of the
///   model's sizes;
/// - `BYTES` [n]: files, each a JPEG or a PNG; Base64 where they are in the JSON text;
/// - `UINT8` [n, height, width, 3]: RGB pixels, of any size.
///
/// For one image, `n` may be left out of the last and the first.
public struct ImageReader: Sendable {
  /// The model.
  public let model: ServedModel
  /// The most pixels that a picture may have.
  public let pixelLimit: Int
  /// The most images that a request may have.
  public let imageLimit: Int

  /// Creates a reader.
  public init(model: ServedModel, pixelLimit: Int, imageLimit: Int) {
    self.model = model
    self.pixelLimit = pixelLimit
    self.imageLimit = imageLimit
  }

  /// The images of a request; `body` is its whole body.
  ///
  /// - Throws: `invalid` for another name, datatype, shape or size than the model's input, and for
  ///   what is no picture; `tooLarge` above the limits.
  public func images(
    _ request: InferRequest, body: UnsafeRawBufferPointer
  ) throws(ServeError) -> PreparedImages {
    let input = model.input
    guard request.inputs.count == 1, let tensor = request.inputs.first else {
      throw ServeError(
        .invalid, "found \(request.inputs.count) inputs, expected one, '\(input.name)'")
    }
    guard tensor.name == input.name else {
      throw ServeError(
        .invalid, "the model has no input '\(tensor.name.prefix(80))', but '\(input.name)'")
    }
    let elements = TensorElements(tensor: tensor, body: body)
    switch tensor.datatype {
    case .float32:
      let shape = tensor.shape.count == input.shape.count ? [1] + tensor.shape : tensor.shape
      let known = model.sizes.map(\.input.shape)
      guard let size = known.firstIndex(of: Array(shape.dropFirst())) else {
        let expected = known.map { "[n, \($0.map(String.init).joined(separator: ", "))]" }
        throw wrongShape(tensor, expected.joined(separator: " or "))
      }
      try checkCount(shape[0])
      return PreparedImages(values: try elements.floats(), count: shape[0], size: size)
    case .bytes:
      guard tensor.shape.dropFirst().allSatisfy({ $0 == 1 }) else {
        throw wrongShape(tensor, "[n]")
      }
      try checkCount(tensor.shape[0])
      return try files(elements)
    case .uint8:
      let shape = tensor.shape.count == 3 ? [1] + tensor.shape : tensor.shape
      guard shape.count == 4, shape[3] == 3 else {
        throw wrongShape(tensor, "[n, height, width, 3]")
      }
      try checkCount(shape[0])
      return try pixels(elements, count: shape[0], height: shape[1], width: shape[2])
    case .bool, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64, .float16, .bfloat16,
      .float64:
      throw ServeError(
        .invalid,
        "input '\(tensor.name)': found \(tensor.datatype.rawValue), expected FP32 (images), BYTES "
          + "(JPEG or PNG files) or UINT8 (RGB pixels)")
    }
  }

  /// One image from a JPEG or PNG file.
  public func image(file: UnsafeRawBufferPointer) throws(ServeError) -> PreparedImages {
    var images = PreparedImages(values: [], count: 0)
    images.append(try decoded(file, "the picture"))
    return images
  }

  private func checkCount(_ count: Int) throws(ServeError) {
    guard count <= imageLimit else {
      throw ServeError(
        .tooLarge, "the request has \(count) images, expected at most \(imageLimit)")
    }
  }

  private func wrongShape(_ tensor: InputTensor, _ expected: String) -> ServeError {
    ServeError(
      .invalid,
      "input '\(tensor.name)': found \(tensor.datatype.rawValue) of shape \(tensor.shape), "
        + "expected \(expected)")
  }

  private func files(_ elements: TensorElements) throws(ServeError) -> PreparedImages {
    var images = PreparedImages(values: [], count: 0)
    func add(_ file: UnsafeRawBufferPointer) throws(ServeError) {
      images.append(try decoded(file, "picture \(images.count)"))
    }
    for file in try elements.strings() { try add(UnsafeRawBufferPointer(rebasing: file)) }
    for file in try elements.decodedStrings() {
      try file.withUnsafeBufferPointer { (bytes) throws(ServeError) in
        try add(UnsafeRawBufferPointer(bytes))
      }
    }
    return images
  }

  private func decoded(
    _ file: UnsafeRawBufferPointer, _ name: String
  ) throws(ServeError) -> (image: [Float], size: Int) {
    let image: Image
    do throws(Diagnostic) {
      image = try Image(
        decoding: file, name: name, alpha: model.isOnWhite ? .onWhite : .dropped,
        pixelLimit: pixelLimit)
    } catch {
      throw ServeError(.invalid, "\(name): \(error.message)")
    }
    return try preprocessed(image.rgb, width: image.width, height: image.height, name)
  }

  private func pixels(
    _ elements: TensorElements, count: Int, height: Int, width: Int
  ) throws(ServeError) -> PreparedImages {
    // No overflow: the tensor's elements are an Int.
    guard height * width <= pixelLimit else {
      throw ServeError(
        .tooLarge, "pictures of \(width)x\(height) pixels, expected at most \(pixelLimit) in all")
    }
    let rgb = try elements.bytes()
    let size = 3 * height * width
    var images = PreparedImages(values: [], count: 0)
    for picture in 0..<count {
      images.append(
        try preprocessed(
          Array(rgb[picture * size..<(picture + 1) * size]), width: width, height: height,
          "picture \(picture)"))
    }
    return images
  }

  private func preprocessed(
    _ rgb: [UInt8], width: Int, height: Int, _ name: String
  ) throws(ServeError) -> (image: [Float], size: Int) {
    do {
      return try model.preprocess(rgb, width, height)
    } catch {
      throw ServeError(.invalid, "\(name): \(error)")
    }
  }
}
