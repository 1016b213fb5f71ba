import Diagnostics
import Foundation
import Testing

@testable import Models

/// Lists of sizes, and the sizes that photos become.
@Suite struct ImageSizesTests {
  @Test func listsAndChoices() throws {
    #expect(try ImageSizes(parsing: "224") == .listed([ImageSize(height: 224, width: 224)]))
    #expect(
      try ImageSizes(parsing: "224,448X336,8x9")
        == .listed([
          ImageSize(height: 224, width: 224), ImageSize(height: 448, width: 336),
          ImageSize(height: 8, width: 9),
        ]))
    #expect(try ImageSizes(parsing: "auto") == .grids(GridChoice()))
    #expect(
      try ImageSizes(parsing: "auto:729,aspect<=3.5,sizes<=40")
        == .grids(GridChoice(patches: 729, aspect: 3.5, most: 40)))
    for (text, message) in [
      ("224,", "invalid value '', expected N or HxW"),
      ("a", "invalid value 'a', expected N or HxW"),
      ("224,12x,3", "invalid value '12x', expected N or HxW"),
      ("32,16,32x32", "32x32 is named twice"),
      ("auto:0", "invalid value 'auto:0', expected auto[:PATCHES][,aspect<=A][,sizes<=N]"),
      ("auto,9", "invalid value 'auto,9', expected auto[:PATCHES][,aspect<=A][,sizes<=N]"),
      (
        "auto,aspect<=0.5",
        "invalid value 'auto,aspect<=0.5', expected auto[:PATCHES][,aspect<=A][,sizes<=N]"
      ),
    ] {
      let error = #expect(throws: Diagnostic.self) { try ImageSizes(parsing: text) }
      #expect(error?.message == message)
    }
  }

  /// All that photos become, found by trying photos (Scripts/goldens/photo_sizes.py).
  @Test func gridsAreThoseOfPhotos() throws {
    let path =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Goldens/photo_sizes.tsv").path
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .map { $0.split(separator: "\t") }.filter { $0[0] == "grids" }
    #expect(lines.count == 9)
    for line in lines {
      let numbers = line[1].split(separator: ",")
      var preprocessing = rule(.patches, try #require(Int(numbers[1])), 0)
      preprocessing.multiple = Int(numbers[2])
      let grids = preprocessing.grids(aspect: try #require(Double(numbers[3])))
      #expect(
        Set(grids.map(\.size.description)) == Set(line[2].split(separator: " ").map(String.init)))
      #expect(grids.first?.size.height == grids.first?.size.width)
    }
  }

  private func rule(_ mode: Preprocessing.Mode, _ height: Int, _ width: Int) -> Preprocessing {
    Preprocessing(
      mode: mode, resizeWidth: width, resizeHeight: height, mean: [0, 0, 0], deviation: [1, 1, 1])
  }

  /// Of 518 nominal pixels in multiples of 14: one edge has 37, the other what the aspect says.
  @Test func multiples() {
    var preprocessing = rule(.multiples, 518, 518)
    preprocessing.multiple = 14
    let grids = preprocessing.grids(aspect: 1.05)
    let sizes = Set(grids.map { [$0.size.height / 14, $0.size.width / 14] })
    #expect(
      sizes == [
        [37, 35], [37, 36], [37, 37], [37, 38], [37, 39], [35, 37], [36, 37], [38, 37], [39, 37],
      ])
    #expect(grids.first?.size == ImageSize(height: 518, width: 518))
    #expect(rule(.exact, 224, 224).grids(aspect: 2).isEmpty)
  }

  private let golden =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Goldens").path

  @Test func choicesOfAModel() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/vitc-\(UUID().uuidString)"
    try FileManager.default.copyItem(atPath: golden + "/encoders/siglip2", toPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let processor =
      #"{"image_processor_type": "Siglip2ImageProcessor", "patch_size": 4, "max_num_patches": 9}"#
    try Data(processor.utf8).write(
      to: URL(fileURLWithPath: folder + "/preprocessor_config.json"))
    let model = try Model.load(folder)
    let chosen = try model.choosing(GridChoice(patches: 17, aspect: 3))
    #expect(
      chosen.sizes.map(\.description) == [
        "16x16", "12x20", "20x12", "8x24", "24x8", "12x16", "16x12", "8x20", "20x8",
      ])
    #expect(chosen.note == "9 sizes, for photos of an aspect up to 3.0; others are refused")
    #expect(chosen.model.configuration.preprocessing?.resizeHeight == 17)
    let resized = try chosen.model.resized(height: 8, width: 32)
    #expect(resized.configuration.preprocessing == chosen.model.configuration.preprocessing)
    // Lying and standing photos are both there, or neither is.
    let few = try model.choosing(GridChoice(patches: 17, aspect: 3, most: 6))
    #expect(few.sizes.count == 5)
    #expect(
      few.note
        == "5 sizes, for photos of an aspect up to 3.0 but for 4 of one aspect each, such as 4:3; "
        + "others are refused; sizes<=9 has all up to 3.0")
    let fewer = try model.choosing(GridChoice(patches: 17, aspect: 3, most: 4))
    #expect(fewer.sizes.count == 3)
    #expect(
      fewer.note
        == "3 sizes, for photos of an aspect up to 2.5 but for 4 of one aspect each, such as 4:3; "
        + "others are refused; sizes<=9 has all up to 3.0")
    let own = try model.choosing(GridChoice())
    #expect(own.model.configuration.preprocessing?.resizeHeight == 9)
  }

  @Test func whatHasNoGridsIsRefused() throws {
    let model = try Model.load(golden + "/hf/vit")
    let error = #expect(throws: Diagnostic.self) { try model.choosing(GridChoice()) }
    #expect(
      error?.message.hasPrefix("'auto' needs a preprocessing that keeps a photo's aspect") == true)
    #expect(error?.location == .argument("--image-size"))
  }

  /// A resize of a resize is that of the model's own size.
  @Test func resizesDoNotAddUp() throws {
    let model = try Model.load(golden + "/hf/vit")
    let one = try model.resized(height: 24, width: 32)
    let other = try model.resized(height: 48, width: 16).resized(height: 24, width: 32)
    #expect(one.configuration.preprocessing == other.configuration.preprocessing)
    #expect(other.configuration.imageHeight == 24 && other.configuration.imageWidth == 32)
    #expect(
      try one.graph(outputs: model.defaultOutputs) == other.graph(outputs: model.defaultOutputs))
    #expect(throws: Diagnostic.self) { try model.resized(height: 0, width: 16) }
  }
}
