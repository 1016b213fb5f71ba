import Foundation
import Images
import JSON
import Testing

/// `vitc run --overlay`.
@Suite struct OverlayTests {
  private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("examples/digits").path
  private static let photo = examples + "/images/digit-3-0013.png"

  /// The digits model with outputs.
  private func library(_ outputs: String, in folder: Folder) throws -> String {
    let outcome = try vitc(
      "compile", Self.examples + "/model", "--outputs", outputs, "--target", "host", "-o",
      folder("libdigits.so"), "-q")
    #expect(outcome.code == 0, "\(outcome.errors)")
    return folder("libdigits.so")
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  /// The map that the model returned, as `vitc run --json` prints it.
  private func map(_ library: String, _ output: String) throws -> [Double] {
    let outcome = try vitc("run", library, Self.photo, "--json")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let values = try JSONValue(parsing: outcome.output).array?.first?[output]?.array ?? []
    return values.compactMap { if case .number(let number) = $0 { number } else { nil } }
  }

  private func color(_ image: Image, _ x: Int, _ y: Int) -> [Double] {
    let place = (y * image.width + x) * 3
    return image.rgb[place..<place + 3].map(Double.init)
  }

  /// Three panels of 224 pixels: the photo's 32 enlarged by 7, the map's 8 x 8 patches of 28 pixels
  /// in colours that get lighter with the weight, the photo darkened by it.
  @Test(arguments: ["rollout", "rollout:f16", "attention:class", "attention:class:f16"])
  func `shows the photo, the map and the product`(_ output: String) throws {
    let folder = try Folder()
    let library = try library(output, in: folder)
    let outcome = try vitc("run", library, Self.photo, "--overlay", folder("maps"))
    #expect(outcome.code == 0, "\(outcome.errors)")
    let name = output.split(separator: ":").joined(separator: "_")
    #expect(outcome.errors == "\(folder("maps")): 1 picture of '\(name)'\n")
    let picture = try Image(decoding: folder("maps/1-digit-3-0013.png"))
    #expect((picture.width, picture.height) == (3 * 224 + 2 * 3, 224))
    let photo = try Image(decoding: Self.photo)
    let all = try map(library, name)
    let heads = all.count / 64
    let map = (0..<64).map { place in (0..<heads).reduce(0) { $0 + all[$1 * 64 + place] } }
    let largest = try #require(map.sorted().dropLast().last)
    // Smoothing gives a patch's centre 1/14 of its neighbours' weights.
    let scaled = map.map { min(1, $0 / largest) }
    var lights: [Double] = []
    for place in 0..<64 {
      let (x, y) = (place % 8 * 28 + 14, place / 8 * 28 + 14)
      let (seen, shown) = (color(photo, x / 7, y / 7), color(picture, x, y))
      for channel in 0..<3 {
        #expect(abs(seen[channel] - shown[channel]) <= 1)
        let expected = seen[channel] * scaled[place]
        #expect(abs(color(picture, x + 2 * 227, y)[channel] - expected) <= 255.0 / 14)
      }
      lights.append(color(picture, x + 227, y).reduce(0, +))
    }
    for a in 0..<64 {
      for b in 0..<64 where scaled[a] + 0.15 < scaled[b] {
        #expect(lights[a] < lights[b], "patches \(a) and \(b)")
      }
    }
  }

  /// Predictions are as without; what cannot be read is told, and the others are drawn.
  @Test func `names sort as photos do`() throws {
    let folder = try Folder()
    let library = try library("logits,rollout", in: folder)
    let photos = Array(repeating: Self.photo, count: 9) + ["no.png", Self.photo]
    let arguments = ["run", library] + photos + ["--top", "1"]
    let plain = try vitc(arguments)
    let outcome = try vitc(arguments + ["--overlay", folder("maps")])
    #expect((plain.code, outcome.code) == (1, 1))
    #expect(plain.output == outcome.output)
    #expect(outcome.errors.contains("no.png: error: cannot open the file"))
    let names = try names(folder("maps"))
    #expect(names == (1...10).map { ($0 < 10 ? "0" : "") + "\($0)-digit-3-0013.png" })
  }

  @Test func `a library without a map`() throws {
    let folder = try Folder()
    let library = try library("logits", in: folder)
    let outcome = try vitc("run", library, Self.photo, "--overlay", folder("maps"))
    #expect(outcome.code == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("error: the model returns no map of where it looks"))
    #expect(outcome.errors.contains("hint: compile it with --outputs logits,rollout"))
    #expect(!FileManager.default.fileExists(atPath: folder("maps")))
  }

  @Test func `a folder that cannot be made`() throws {
    let folder = try Folder()
    let library = try library("rollout", in: folder)
    _ = try folder.write("", to: "file")
    let before = try names(folder.path)
    for (name, message) in [
      ("file", "there is something else of this name"), ("none/maps", "create the folder"),
    ] {
      let outcome = try vitc("run", library, Self.photo, "--overlay", folder(name))
      #expect(outcome.code == 1)
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }
    // Of no photo there is no folder.
    let outcome = try vitc("run", library, folder("file"), "--overlay", folder("maps"))
    #expect(outcome.code == 1)
    #expect(try names(folder.path) == before)
  }

  @Test func `arrays have no photos to draw`() throws {
    let outcome = try vitc("run", "l.so", "-i", "x.npy", "-o", "y.npy", "--overlay", "maps")
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains("--orient and --overlay require photos"))
  }
}
