import Diagnostics
import Images

/// Photos that `vitc bench` runs, preprocessed, and how long that took.
struct PhotoInputs {
  /// What is told of them.
  struct Report: Encodable {
    /// How many photos.
    let count: Int
    /// The median time of decoding one, on one thread.
    let decodeMs: Double
    /// The median time of resizing and normalizing one, on one thread.
    let preprocessMs: Double

    enum CodingKeys: String, CodingKey {
      case count
      case decodeMs = "decode_ms"
      case preprocessMs = "preprocess_ms"
    }

    /// A line for people.
    var text: String {
      "before the run, a photo on one thread: decoding \(Format.fixed(decodeMs, 3)) ms, "
        + "preprocessing \(Format.fixed(preprocessMs, 3)) ms (medians of "
        + "\(count) \(count == 1 ? "photo" : "photos"))\n"
    }
  }

  /// More are not taken: their images would fill the memory and tell no more.
  private static let most = 256

  /// What is told of them.
  let report: Report
  /// The size of the images, a place among the model's.
  let size: Int
  /// The images, one after the other.
  private let images: [Float]
  /// Of one image.
  private let elements: Int

  /// Decodes and preprocesses photos.
  ///
  /// - Parameters:
  ///   - arguments: files and folders.
  ///   - size: the size that they are made to, `HxW`; `nil`: what the model's rule makes of the
  ///     first, which all others must become too.
  ///
  /// Errors: a photo that cannot be read, or becomes another size; a model that cannot preprocess
  /// photos.
  init(_ arguments: [String], library: String, size name: String?) throws(Diagnostic) {
    let list = try PhotoList(arguments)
    for warning in list.warnings { Console.tell(warning) }
    // Only one photo at a time is worked on: its times are those of one thread.
    let model = try PhotoLibrary(library, threads: 1).model
    var size = try name.map { (name) throws(Diagnostic) in try model.size(name) }
    var (images, decoding, preprocessing) = ([Float](), [Double](), [Double]())
    for path in list.paths.prefix(Self.most) {
      let start = ContinuousClock.now
      let photo = try Image(decoding: path, alpha: model.alpha)
      let decoded = ContinuousClock.now
      let made = try model.preprocess(photo, size: name == nil ? nil : size)
      guard made.size == size ?? made.size else {
        throw Diagnostic(
          "the photo becomes another size than the first one", at: .file(path),
          hint: "give photos of one size to a benchmark, or name one with --size")
      }
      size = made.size
      images += made.pixels
      preprocessing.append((ContinuousClock.now - decoded).seconds)
      decoding.append((decoded - start).seconds)
    }
    self.images = images
    self.size = size ?? 0
    elements = model.model.sizes[self.size].input.elements
    report = Report(
      count: decoding.count, decodeMs: Statistics(decoding).median * 1e3,
      preprocessMs: Statistics(preprocessing).median * 1e3)
  }

  /// The images so often that each of them begins `batch` images that lie one after the other.
  func windows(_ batch: Int) -> [Float] {
    let count = report.count + batch - 1
    var result: [Float] = []
    result.reserveCapacity(count * elements)
    while result.count < count * elements {
      result += images.prefix(count * elements - result.count)
    }
    return result
  }
}
