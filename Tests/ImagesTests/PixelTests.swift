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

  @Test func theNameDoesNotCount() throws {
    let png = try withFile(try fixture("rgb8.png")) { try Image(decoding: $0) }
    #expect(png.rgb == (try fixture("rgb8.png.rgb")))
  }
}
