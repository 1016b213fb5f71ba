import Foundation
import Images
import JSON
import Npy
import Testing

@testable import Figures

/// Pictures, drawings, pages and files.
@Suite struct DrawingTests {
  /// What a reader of PNGs sees is what was drawn.
  @Test func `a PNG reads back`() throws {
    let raster = Raster(width: 37, height: 11) { x, y in
      Raster.Color(Double(x) / 36, Double(y) / 10, Double((x * y) % 7) / 6)
    }
    let folder = try Folder()
    let file = try folder.write("a.png", raster.image.png)
    #expect(try Image(decoding: file).rgb == raster.image.rgb)
    #expect(raster.image.rgb.prefix(3) == [0, 0, 0])
    #expect(raster.image.rgb.suffix(3) == [255, 255, UInt8((Double(360 % 7) / 6 * 255).rounded())])
  }

  @Test func `doubles in an npy read back`() throws {
    let folder = try Folder()
    let bytes = NpyArray.bytes(shape: [2, 3], doubles: [1, -2.5, 3, 0, 1e-3, 7])
    #expect(bytes.count % 64 == 48)
    let array = try NpyArray(path: folder.write("a.npy", bytes))
    #expect(array.shape == [2, 3])
    #expect(array.values == [1, -2.5, 3, 0, 1e-3, 7])
  }

  @Test func `colours of a map lie between its points`() {
    #expect(ColorMap.viridis.stops.first == "#440154")
    #expect(ColorMap.magma.stops.first == "#000004")
    #expect(ColorMap.viridis(0) == Raster.Color(0x44, 0x01, 0x54) / 255)
    #expect(ColorMap.viridis(2) == Raster.Color(0xFD, 0xE7, 0x25) / 255)
    #expect(ColorMap.viridis(.nan) == ColorMap.viridis(0))
    let middle = ColorMap.viridis(1.0 / 16)
    let expected = (Raster.Color(0x44, 0x01, 0x54) + Raster.Color(0x47, 0x2D, 0x7B)) / 510
    #expect(abs(middle.x - expected.x) + abs(middle.y - expected.y) < 1e-12)
  }

  /// Growing keeps constants and lines; shrinking takes means.
  @Test func `resizing`() {
    let ramp = Raster(width: 4, height: 1) { x, _ in Raster.Color(repeating: Double(x)) }
    let grown = ramp.resized(width: 8, height: 2)
    #expect((0..<8).map { grown[$0, 1].x } == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
    let even = Raster(width: 9, height: 9) { _, _ in Raster.Color(repeating: 0.25) }
    #expect(even.resized(width: 4, height: 2).pixels.allSatisfy { abs($0.x - 0.25) < 1e-12 })
  }

  @Test func `tiles have gaps`() {
    let black = Raster(width: 2, height: 2, color: .init())
    let all = Raster.tiled([black, black, black], columns: 2, gap: 1)
    #expect((all.width, all.height) == (5, 5))
    #expect(all.pixels.count { $0 == Raster.white } == 25 - 12)
  }

  /// One outlier does not hide the rest.
  @Test func `an overlay is scaled by the 99th percentile`() {
    var map = Array(repeating: 1.0, count: 400)
    map[7] = 1000
    #expect(Overlay(map, grid: [20, 20]).scaled.allSatisfy { $0 == 1 })
    #expect(Overlay([0, 0, 0, 0], grid: [2, 2]).scaled == [0, 0, 0, 0])
    #expect(Overlay([0, 0, 0, 5], grid: [2, 2]).scaled == [0, 0, 0, 1])
  }

  /// Of a matrix of rank 1 the one component is known.
  @Test func `principal components`() throws {
    let rows = [1.0, 2, 3, 4].flatMap { [3 * $0, 4 * $0] }
    let plain = try PrincipalComponents(rows, columns: 2, isCentred: false)
    #expect(plain.rank == 1)
    #expect(abs(plain.singularValues[0] - 5 * 30.0.squareRoot()) < 1e-12)
    #expect(zip(plain.component(0), [0.6, 0.8]).allSatisfy { abs($0 - $1) < 1e-12 })
    let centred = try PrincipalComponents(rows, columns: 2)
    #expect(abs(centred.singularValues[0] - 5 * 5.0.squareRoot()) < 1e-12)
    #expect(abs(centred.scores[0] + 7.5) < 1e-12)
    #expect(throws: (any Error).self) { try PrincipalComponents([.nan, 1, 2, 3], columns: 2) }
  }

  @Test func `a map of places has the image's shape`() throws {
    let map = PlaceMap(height: 224, width: 448)
    #expect(map.grid(places: 14 * 28) == [14, 28])
    #expect(map.grid(places: 7 * 14) == [7, 14])
    #expect(map.grid(places: 13) == nil)
    #expect(PlaceMap(height: 225, width: 225).grid(places: 57 * 57) == [57, 57])
  }

  /// Names come from files and may hold anything.
  @Test func `pages escape names`() throws {
    var figure = Figure(name: "layers", title: "Tokens", caption: "of <b> & \"c\"")
    figure.add("numbers", "n", [2], [1, .nan])
    figure.add(SVG(width: 2, height: 2), "a.svg", "<script>\u{1}")
    let folder = FigureFolder(
      model: "<model>", summary: "a & b", photos: ["<img src=x>.png"],
      results: [.figure(figure), .gap(FigureGap(name: "rollout", title: "R", reason: "a < b"))])
    let page = String(
      decoding: try #require(folder.files.first { $0.name == "index.html" }).bytes, as: UTF8.self)
    for raw in ["<model>", "<script>", "<img src=x>", "a < b", "\u{1}"] {
      #expect(!page.contains(raw), "\(raw)")
    }
    #expect(page.contains("There is no such figure: a &lt; b."))
    #expect(page.contains("of &lt;b&gt; &amp; &quot;c&quot;"))
    let json = try #require(folder.files.first { $0.name == "layers.json" })
    let value = try JSONValue(parsing: String(decoding: json.bytes, as: UTF8.self))
    #expect(value["definition"]?.string == "of <b> & \"c\"")
    #expect(value["arrays"]?["numbers"]?["file"]?.string == "numbers.npy")
  }
}

/// A folder that is deleted when the last reference to it goes.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "vitc-figures-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = url.appendingPathComponent(name)
    try Data(bytes).write(to: file)
    return file.path
  }
}
