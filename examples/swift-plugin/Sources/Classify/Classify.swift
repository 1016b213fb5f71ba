import CLibPNG
import Foundation

/// Classifies PNG images with a model that was compiled when this package was built: the type
/// `Digits` comes from Models/digits.vit.json.
///
///     Classify IMAGE.png ...
@main
struct Classify {
  static func main() throws {
    let digits = try Digits()
    let labels = digits.model.description.labels
    let context = try digits.makeContext()
    for path in CommandLine.arguments.dropFirst() {
      let (rgb, width, height) = try pixels(path)
      let image = try digits.model.preprocess(rgb: rgb, width: width, height: height)
      let logits = try context.run(images: image).logits
      let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
      let probability = 1 / logits.reduce(0) { $0 + exp($1 - logits[best]) }
      print("\(path)  \(labels[best])  \(String(format: "%.2f", 100 * probability)) %")
    }
  }

  /// Decodes a PNG file: 3 bytes a pixel, red first, rows from top to bottom.
  static func pixels(_ path: String) throws -> (rgb: [UInt8], width: Int, height: Int) {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_file(&image, path) != 0 else {
      throw CocoaError(.fileReadCorruptFile, userInfo: [NSFilePathErrorKey: path])
    }
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    var rgb = [UInt8](repeating: 0, count: Int(image.width) * Int(image.height) * 3)
    guard png_image_finish_read(&image, nil, &rgb, 0, nil) != 0 else {
      throw CocoaError(.fileReadCorruptFile, userInfo: [NSFilePathErrorKey: path])
    }
    return (rgb, Int(image.width), Int(image.height))
  }
}
