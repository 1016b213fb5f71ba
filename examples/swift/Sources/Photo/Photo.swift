import CLibPNG
import Foundation

/// A decoded picture: 3 bytes a pixel, red first, rows from top to bottom.
public struct Photo {
  /// The number of columns.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// `height * width * 3` bytes.
  public let rgb: [UInt8]

  /// Why a file is no picture.
  public struct Failure: Error, CustomStringConvertible {
    /// The file and libpng's reason.
    public let description: String
  }

  /// Decodes a PNG file.
  public init(path: String) throws {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_file(&image, path) != 0 else {
      throw Failure(description: "\(path): \(Photo.message(image))")
    }
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    var rgb = [UInt8](repeating: 0, count: Int(image.width) * Int(image.height) * 3)
    guard png_image_finish_read(&image, nil, &rgb, 0, nil) != 0 else {
      throw Failure(description: "\(path): \(Photo.message(image))")
    }
    width = Int(image.width)
    height = Int(image.height)
    self.rgb = rgb
  }

  /// The text in an image's fixed array of characters.
  private static func message(_ image: png_image) -> String {
    withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// The most probable class of some scores, and how probable it is: exp(x_i) / Σ_j exp(x_j).
public func best(of logits: [Float]) -> (index: Int, probability: Double) {
  guard let largest = logits.max(), let index = logits.firstIndex(of: largest) else {
    return (0, 0)
  }
  return (index, 1 / logits.reduce(0) { $0 + exp(Double($1 - largest)) })
}

/// A line of the result: file, label, probability.
public func line(_ path: String, _ label: String, _ probability: Double) -> String {
  let name = label.padding(toLength: 5, withPad: " ", startingAt: 0)
  return "\(path)  \(name)  \(String(format: "%6.2f", 100 * probability)) %"
}
