import Foundation
import Testing

@testable import Models

/// vitc's table of image processors against transformers' classes
/// (Scripts/goldens/processor_classes.py).
@Suite struct ProcessorClassTests {
  /// The lines of processors.tsv, by class.
  static let lines: [String: [String: String]] = {
    let path =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Goldens/processors.tsv").path
    let text = String(
      decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    let rows = text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    guard let keys = rows.first else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: rows.dropFirst().map { row in
        (row[0], Dictionary(uniqueKeysWithValues: zip(keys, row)))
      })
  }()

  @Test func everyClassIsFollowedOrRefused() {
    #expect(Self.lines.count > 100)
    let followed = Set(ProcessorClass.all.map(\.name))
    #expect(followed.count == ProcessorClass.all.count)
    #expect(followed.isDisjoint(with: ProcessorClass.refused))
    // TimmWrapper's file is timm's config.json; transformers 5 has no ViTHybrid any more.
    let known = followed.union(ProcessorClass.refused).union(["TimmWrapper"])
    #expect(Set(Self.lines.keys).subtracting(known) == [])
    #expect(known.subtracting(Self.lines.keys) == ["ViTHybrid"])
  }

  @Test(arguments: ProcessorClass.all.map(\.name).filter { $0 != "ViTHybrid" })
  func hasTheLibrarysDefaults(_ name: String) throws {
    let line = try #require(Self.lines[name])
    let type = try #require(ProcessorClass.named(name + "ImageProcessor"))
    // Of a number of patches there is no size.
    #expect(text(type.size) == line["size"])
    #expect(String(type.filter.rawValue) == line["resample"])
    // What cannot crop has no size of a crop; Python's None is no.
    if let crop = type.crop {
      #expect(line["crop_size"] == "height=\(crop),width=\(crop)")
    }
    #expect(type.crops == (line["do_center_crop"] == "yes"))
    #expect(type.normalizes == (line["do_normalize"] == "yes"))
    if type.normalizes {
      #expect(list(type.constants.0) == line["image_mean"])
      #expect(list(type.constants.1) == line["image_std"])
    }
    #expect(type.convertsToRGB == (line["do_convert_rgb"] == "yes"))
    if type.rule != .layoutLMv2 {
      #expect(line["rescale_factor"] == "\(type.rescale)")
      #expect(line["do_rescale"] == "yes")
    }
    if type.rule != .padded || name == "PI0" {
      #expect(type.defaultsToSquare == (line["default_to_square"] != "no"))
    }
  }

  private func text(_ size: ProcessorSize) -> String {
    switch size {
    case .exact(let height, let width): "height=\(height),width=\(width)"
    case .shortest(let side, _): "shortest_edge=\(side)"
    case .longest(let side): "longest_edge=\(side)"
    case .within(let height, let width): "max_height=\(height),max_width=\(width)"
    case .patches: "-"
    }
  }

  private func list(_ values: [Double]) -> String {
    values.map { "\($0)" }.joined(separator: ",")
  }
}
