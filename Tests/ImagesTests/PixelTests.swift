import Images
import Testing

/// Decoded pixels against PIL's.
@Suite struct PixelTests {
  /// Name and size of each fixture; `NAME.rgb` holds PIL's pixels.
  static let images: [(name: String, width: Int, height: Int)] = [
    ("grey1.png", 13, 6), ("grey2.png", 13, 6), ("grey4.png", 13, 6),
    ("palette1.png", 13, 6), ("palette2.png", 13, 6), ("palette4.png", 13, 6),
    ("grey8_gamma.png", 9, 5), ("grey8_transparent.png", 9, 5),
    ("palette8_transparent.png", 9, 5),
    ("grey16.png", 11, 1), ("rgb16.png", 11, 1),
    ("grey_alpha8.png", 7, 4), ("grey_alpha16.png", 7, 4), ("rgba8.png", 7, 4),
    ("rgba16.png", 7, 4), ("rgb8.png", 33, 21), ("rgb8_interlaced.png", 19, 17),
    ("grey16_interlaced.png", 11, 9),
    ("rgb_444.jpg", 45, 35), ("rgb_422.jpg", 45, 35), ("rgb_420.jpg", 45, 35),
    ("rgb_440.jpg", 45, 35), ("rgb_411.jpg", 45, 35), ("rgb_progressive.jpg", 45, 35),
    ("grey.jpg", 45, 35), ("cmyk.jpg", 21, 18), ("turned.jpg", 45, 35),
    ("stray_bytes.jpg", 45, 35),
    // Warnings that are not about pixels.
    ("scan_fields.jpg", 45, 35), ("jfif_2.jpg", 45, 35), ("stray_segments.jpg", 45, 35),
    ("adobe_transform.jpg", 45, 35), ("restart_number.jpg", 45, 35),
    // Transparent by a colour.
    ("grey1_transparent.png", 8, 1), ("grey2_transparent.png", 8, 1),
    ("grey16_transparent.png", 3, 1), ("rgb8_transparent.png", 2, 1),
    ("rgb16_transparent.png", 2, 1),
    ("lossy.webp", 61, 43), ("lossless.webp", 61, 43), ("lossy_alpha.webp", 61, 43),
    ("lossless_alpha.webp", 61, 43), ("grey.webp", 61, 43), ("one.webp", 1, 1),
    ("extended.webp", 61, 43),
  ]

  @Test(arguments: images)
  func pixelsEqualPIL(_ expected: (name: String, width: Int, height: Int)) throws {
    let image = try Image(decoding: fixtures.appendingPathComponent(expected.name).path)
    #expect(image.width == expected.width)
    #expect(image.height == expected.height)
    let pixels = try fixture(expected.name + ".rgb")
    let differing = zip(image.rgb, pixels).filter { $0 != $1 }.count
    #expect(image.rgb.count == pixels.count)
    #expect(differing == 0, "\(differing) of \(pixels.count) bytes differ")
  }

  /// Those of which the file says how they are transparent.
  @Test(arguments: [
    "grey8_transparent", "palette8_transparent", "grey_alpha8", "grey_alpha16", "rgba8", "rgba16",
    "grey1_transparent", "grey2_transparent", "grey16_transparent", "rgb8_transparent",
    "rgb16_transparent", "alphas",
  ])
  func transparentPicturesOnWhiteEqualTransformers(_ name: String) throws {
    let path = fixtures.appendingPathComponent(name + ".png").path
    #expect(try Image(decoding: path, alpha: .onWhite).rgb == fixture(name + ".png.white"))
    #expect(try Image(decoding: path, alpha: .onWhite).hasDroppedAlpha == false)
    let dropped = try Image(decoding: path)
    #expect(dropped.rgb == (try fixture(name + ".png.rgb")))
    #expect(dropped.hasDroppedAlpha)
  }

  @Test func opaquePicturesAreTheSameOnWhite() throws {
    for name in ["rgb8.png", "grey16_interlaced.png", "palette4.png", "cmyk.jpg"] {
      let path = fixtures.appendingPathComponent(name).path
      #expect(try Image(decoding: path, alpha: .onWhite) == Image(decoding: path))
    }
  }

  /// Each of EXIF's orientations as PIL's `exif_transpose` turns it.
  @Test func picturesAreTurnedUpright() throws {
    var upright: [UInt8] = []
    for code in 1...8 {
      let name = "oriented_\(code).\(code % 2 == 1 ? "png" : "jpg")"
      let path = fixtures.appendingPathComponent(name).path
      let image = try Image(decoding: path, orients: true)
      #expect(image.width == (code >= 5 ? 9 : 13) && image.height == (code >= 5 ? 13 : 9))
      upright += image.rgb
      #expect(try Image(decoding: path).width == 13)
    }
    #expect(upright == (try fixture("oriented.rgb")))
  }

  /// Every byte of EXIF data replaced: a picture, turned or not, and no crash.
  @Test func damagedOrientationsAreUpright() throws {
    for name in ["oriented_6.jpg", "oriented_3.png"] {
      let bytes = try fixture(name)
      let mark = Array((name.hasSuffix("g") && name.contains("jpg") ? "Exif" : "eXIf").utf8)
      let start = try #require(
        bytes.indices.dropLast(4).first { Array(bytes[$0..<($0 + 4)]) == mark })
      for index in start..<min(start + 60, bytes.count) {
        for value: UInt8 in [0, 0x7F, 0xFF] {
          var damaged = bytes
          damaged[index] = value
          damaged.withUnsafeBytes { _ = try? Image(decoding: $0, name: "image", orients: true) }
        }
      }
    }
  }

  @Test func theNameDoesNotCount() throws {
    let png = try withFile(try fixture("rgb8.png")) { try Image(decoding: $0) }
    #expect(png.rgb == (try fixture("rgb8.png.rgb")))
  }
}
