import Diagnostics
import Figures
import Files
import FoundationEssentials
import JSON
import Models
import Photos
import VitRuntime

/// Photos with the map of where a compiled model looks: `vitc run --overlay`.
final class PhotoOverlays {
  /// The output that is drawn.
  let output: String

  private let path: String
  private let folder: UnfinishedFolder
  /// Of each size the map's grid, and how a picture is made of what the model was given.
  private let sizes: [(grid: [Int], view: PhotoView)]
  private let digits: Int
  private var count = 0

  /// The outputs that are maps, the best first: rollout, then the class token's weights.
  private static let maps = [
    "rollout", "rollout_f16", "attention_class", "attention_class_f16",
  ]
  /// Names of pictures are those of photos up to so many bytes; file systems allow 255.
  private static let longestName = 200

  /// Finds the map of a model, and begins the folder.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - path: where the folder shall be.
  ///   - photos: how many photos there are, so that names sort as they do.
  /// - Throws: the model returns no map; the folder cannot be made.
  init(_ model: CompiledModel, folder path: String, photos: Int) throws(Diagnostic) {
    let outputs = model.description.outputs
    guard
      let found = Self.maps.compactMap({ name in outputs.first { $0.name == name } }).first
    else {
      throw Diagnostic(
        "the model returns no map of where it looks", at: .file(model.path),
        notes: ["outputs: \(outputs.map(\.name).joined(separator: ", "))"],
        hint: "compile it with --outputs logits,rollout or --outputs logits,attention:class; "
          + "'vitc list outputs MODEL' says which of them it has")
    }
    output = found.name
    var sizes: [(grid: [Int], view: PhotoView)] = []
    for size in model.model.sizes { sizes.append(try Self.map(found.name, size, of: model)) }
    self.sizes = sizes
    self.path = path
    digits = String(photos).count
    folder = try UnfinishedFolder(path: path)
  }

  /// The grid of a map for images of a size, and how they are shown.
  private static func map(
    _ name: String, _ size: VitDescription, of model: CompiledModel
  ) throws(Diagnostic) -> (grid: [Int], view: PhotoView) {
    let shape = size.outputs.first { $0.name == name }?.shape ?? []
    let input = size.input.shape
    // Rows and columns, or heads and patches.
    let grids =
      name.hasPrefix("rollout")
      ? [shape]
      : PlaceMap(height: input[1], width: input[2]).grids(places: shape.last ?? 0)
    guard shape.count == 2, grids.count == 1 else {
      throw Diagnostic(
        "output '\(name)' of \(Format.shape(shape)) is no map of the image",
        at: .file(model.path), hint: "compile it with --outputs logits,rollout")
    }
    let text = model.extras["preprocessing"]?.text(.compact)
    let view = PhotoView(
      shape: input,
      preprocessing: text.flatMap {
        try? JSONDecoder().decode(Preprocessing.self, from: Data($0.utf8))
      })
    return (grids[0], view)
  }

  /// Draws a map, or the mean over those of heads, over what the model was given.
  ///
  /// - Throws: the picture cannot be written.
  func add(_ photo: String, _ made: PhotoModel.Outputs) throws(Diagnostic) {
    let (grid, view) = sizes[made.size]
    let values = made.values[output] ?? []
    let places = grid[0] * grid[1]
    let heads = values.count / places
    let map = (0..<places).map { place in
      (0..<heads).reduce(0.0) { $0 + Double(values[$1 * places + place]) } / Double(heads)
    }
    count += 1
    let number = String(count)
    let zeros = String(repeating: "0", count: max(0, digits - number.count))
    try folder.add(
      "\(zeros)\(number)-\(Self.stem(photo)).png",
      Overlay(map, grid: grid).drawn(over: view.image(of: made.input)).png)
  }

  /// The name of a file without folders and ending.
  private static func stem(_ photo: String) -> String {
    var name = photo.split(separator: "/").last ?? Substring(photo)
    if let dot = name.lastIndex(of: "."), dot > name.startIndex { name = name[..<dot] }
    while name.utf8.count > longestName { name.removeLast() }
    return String(name)
  }

  /// Puts the folder in its place; there is none if no photo could be used.
  ///
  /// - Throws: something has come to be there.
  func finish() throws(Diagnostic) {
    guard count > 0 else { return }
    try folder.finish()
    Console.write(
      "\(PlainText.escaped(path)): \(count) "
        + "\(count == 1 ? "picture" : "pictures") of '\(output)'\n")
  }
}
