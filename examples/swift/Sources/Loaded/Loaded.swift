import Foundation
import Photo
import VitRuntime

/// Classifies PNG images with a compiled model that is loaded by its path.
///
///     Loaded LIBRARY IMAGE.png ...
@main
struct Loaded {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard let library = arguments.first else {
      print("usage: Loaded LIBRARY IMAGE.png ...")
      exit(64)
    }
    do {
      try classify(arguments.dropFirst(), with: library)
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(1)
    }
  }

  /// Prints a line for each image.
  static func classify(_ paths: ArraySlice<String>, with library: String) throws {
    let model = try VitModel(path: library)
    let labels = model.description.labels
    let context = try model.makeContext()
    for path in paths {
      let photo = try Photo(path: path)
      let image = try model.preprocess(rgb: photo.rgb, width: photo.width, height: photo.height)
      let (index, probability) = best(of: try context.run(images: image))
      print(line(path, labels[index], probability))
    }
  }
}
