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
  /// The images, one after the other.
  private let images: [Float]
  /// Of one image.
  private let elements: Int

  /// Decodes and preprocesses photos.
  ///
  /// - Parameter arguments: files and folders.
  ///
  /// Errors: a photo that cannot be read; a model that cannot preprocess photos.
  init(_ arguments: [String], library: String) throws(Diagnostic) {
    let list = try PhotoList(arguments)
    for diagnostic in list.skipped { Console.tell(diagnostic) }
    // Only one photo at a time is worked on: its times are those of one thread.
    let model = try PhotoLibrary(library, threads: 1).model
    elements = model.description.input.elements
    var (images, decoding, preprocessing) = ([Float](), [Double](), [Double]())
    for path in list.paths.prefix(Self.most) {
      let start = ContinuousClock.now
      let photo = try Image(decoding: path, alpha: model.alpha)
      let decoded = ContinuousClock.now
      images += try model.preprocess(photo)
      preprocessing.append((ContinuousClock.now - decoded).seconds)
      decoding.append((decoded - start).seconds)
    }
    self.images = images
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
