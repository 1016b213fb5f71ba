import Foundation
import Photo
import VitRuntime

/// Classifies PNG images with a compiled model that is loaded by its path.
///
///     Loaded LIBRARY IMAGE.png ...
@main
struct Loaded {
  /// What this program reads of the description's JSON.
  struct Details: Decodable {
    let labels: [String]
  }

  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let library = arguments.first else {
      print("usage: Loaded LIBRARY IMAGE.png ...")
      exit(64)
    }
    let model = try VitModel(path: library)
    let details = try JSONDecoder().decode(Details.self, from: Data(model.description.json.utf8))
    let context = try model.makeContext()
    for path in arguments.dropFirst() {
      let photo = try Photo(path: path)
      let image = try model.preprocess(rgb: photo.rgb, width: photo.width, height: photo.height)
      let (index, probability) = best(of: try context.run(images: image))
      print(line(path, details.labels[index], probability))
    }
  }
}
