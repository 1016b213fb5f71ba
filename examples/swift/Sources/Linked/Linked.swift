import Foundation
import Photo
import digits

/// Classifies PNG images with the compiled model `digits`, which is linked into this program.
@main
struct Linked {
  /// The classes, as the checkpoint's `config.json` names them.
  static let labels = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
  ]

  /// What the model says about its last failure.
  struct Failure: Error, CustomStringConvertible {
    let description = String(cString: digits_last_error())
  }

  static func main() {
    do {
      try classify(CommandLine.arguments.dropFirst())
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(1)
    }
  }

  /// Prints a line for each image.
  static func classify(_ paths: ArraySlice<String>) throws {
    var model: OpaquePointer?
    try check(digits_create(nil, &model))
    defer { digits_destroy(model) }
    var context: OpaquePointer?
    try check(digits_context_create(model, &context))
    defer { digits_context_destroy(context) }

    var image = [Float](repeating: 0, count: Int(DIGITS_IMAGE_COUNT))
    var logits = [Float](repeating: 0, count: Int(DIGITS_LOGITS_COUNT))
    for path in paths {
      let photo = try Photo(path: path)
      try check(
        digits_preprocess(
          photo.rgb, Int32(photo.width), Int32(photo.height), 3 * photo.width, &image))
      try check(digits_run(context, image, 1, &logits))
      let (index, probability) = best(of: logits)
      print(line(path, labels[index], probability))
    }
  }

  static func check(_ status: digits_status) throws {
    if status != DIGITS_OK { throw Failure() }
  }
}
