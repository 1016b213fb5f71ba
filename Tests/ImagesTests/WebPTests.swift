import Diagnostics
import Images
import Testing

/// WebP beyond its pixels, which `PixelTests` compares.
@Suite struct WebPTests {
  /// What decoding these bytes reports.
  private func message(_ bytes: [UInt8]) -> String? {
    bytes.withUnsafeBytes { bytes in
      do throws(Diagnostic) {
        _ = try Image(decoding: bytes, name: "image")
        return nil
      } catch {
        return error.message
      }
    }
  }

  @Test(arguments: ["lossy_alpha", "lossless_alpha"])
  func transparencyOnWhiteEqualsTransformers(_ name: String) throws {
    let path = fixtures.appendingPathComponent(name + ".webp").path
    #expect(try Image(decoding: path, alpha: .onWhite).rgb == fixture(name + ".webp.white"))
    #expect(try Image(decoding: path).hasDroppedAlpha)
    #expect(try Image(decoding: path, alpha: .onWhite).hasDroppedAlpha == false)
  }

  @Test func picturesAreTurnedUpright() throws {
    let path = fixtures.appendingPathComponent("turned.webp").path
    let image = try Image(decoding: path, orients: true)
    #expect(image.width == 43 && image.height == 61)
    #expect(image.rgb == (try fixture("turned.webp.upright")))
    #expect(try Image(decoding: path).width == 61)
  }

  @Test func filmsAreNamed() throws {
    #expect(
      message(try fixture("film.webp")) == "expected a photo, found an animated WebP image")
  }

  /// What is cut off is reported; what is damaged is an error or other pixels, and no crash.
  @Test(arguments: ["lossy", "lossless", "lossless_alpha", "extended", "turned"])
  func damageIsReported(_ name: String) throws {
    let bytes = try fixture(name + ".webp")
    for count in stride(from: 12, to: bytes.count - 1, by: 7)
    where name != "extended" && name != "turned" || count < bytes.count / 2 {
      let found = try #require(message(Array(bytes[..<count])), "\(count) of \(bytes.count)")
      #expect(found.hasPrefix("the WebP image is "))
    }
    for index in stride(from: 12, to: bytes.count, by: 11) {
      var damaged = bytes
      damaged[index] ^= 0xFF
      _ = message(damaged)
    }
  }
}
