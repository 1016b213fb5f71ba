import Diagnostics
import Foundation
import Images
import Testing

/// Every way in which a file is refused.
@Suite struct ErrorTests {
  /// The diagnostic that decoding these bytes gives; `nil` if it succeeds.
  func diagnostic(decoding bytes: [UInt8]) -> Diagnostic? {
    do throws(Diagnostic) {
      _ = try bytes.withUnsafeBytes { Result(decoding: $0) }.get()
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("GIF89a", "a GIF image"),
    ("BM\u{1}", "a BMP image"),
    ("II*\0....", "a TIFF image"),
    ("MM\0*....", "a TIFF image"),
    ("\0\0\0\u{20}ftypheic", "a HEIC image"),
    ("\0\0\0\u{20}ftypmif1", "a HEIC image"),
    ("\0\0\0\u{20}ftypavif", "an AVIF image"),
    ("\0\0\0\u{20}ftypisom", "a video"),
    ("\0\0\0\u{0C}jP  ", "a JPEG 2000 image"),
    ("\0\0\0\u{0C}JXL ", "a JPEG XL image"),
    ("8BPS", "a Photoshop document"),
    ("%PDF-1.7", "a PDF document"),
    ("<svg xmlns", "an SVG or XML document"),
    ("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ("hello", "a file that begins with 68 65 6c 6c 6f"),
    ("\u{1}", "a file that begins with 01"),
  ])
  func otherFormatsAreNamed(_ text: String, _ name: String) throws {
    let error = try #require(diagnostic(decoding: Array(text.utf8)))
    #expect(error.message == "expected a PNG, JPEG or WebP image, found \(name)")
    #expect(error.location == .file("image"))
  }

  @Test func arraysAreSentToTheirOption() throws {
    let error = try #require(diagnostic(decoding: [0x93] + Array("NUMPY\u{1}\0".utf8)))
    #expect(error.message == "expected a PNG, JPEG or WebP image, found a NumPy array")
    #expect(error.hint == "give it as --input FILE.npy")
  }

  @Test func missingFile() {
    #expect(throws: Diagnostic.self) { try Image(decoding: "no/such/image.png") }
    do throws(Diagnostic) {
      _ = try Image(decoding: "no/such/image.png")
    } catch {
      #expect(
        error.description.hasPrefix(
          "no/such/image.png: error: cannot open the file: no such file or directory"))
    }
  }

  @Test func emptyFileAndFolder() throws {
    try withFile([]) { path in
      do throws(Diagnostic) {
        _ = try Image(decoding: path)
        Issue.record("an empty file was decoded")
      } catch {
        #expect(error == Diagnostic("the file is empty", at: .file(path)))
      }
    }
    do throws(Diagnostic) {
      _ = try Image(decoding: fixtures.path)
      Issue.record("a folder was decoded")
    } catch {
      #expect(error.message == "expected a file, found a directory")
    }
  }

  @Test(arguments: ["rgb8.png", "rgb8_interlaced.png", "grey16.png", "palette4.png"])
  func everyTruncationOfAPNGIsReported(_ name: String) throws {
    let bytes = try fixture(name)
    for length in stride(from: 8, to: bytes.count, by: 7) {
      let error = try #require(
        diagnostic(decoding: Array(bytes[..<length])), "\(length) bytes of \(name) were decoded")
      #expect(error.message.contains("truncated"), "\(length) bytes: \(error)")
    }
  }

  @Test(arguments: ["rgb_420.jpg", "rgb_progressive.jpg", "grey.jpg", "cmyk.jpg"])
  func everyTruncationOfAJPEGIsReported(_ name: String) throws {
    let bytes = try fixture(name)
    for length in stride(from: 3, to: bytes.count - 2, by: 11) {
      let error = try #require(
        diagnostic(decoding: Array(bytes[..<length])), "\(length) bytes of \(name) were decoded")
      #expect(error.message.contains("truncated"), "\(length) bytes: \(error)")
    }
  }

  @Test func aDamagedChunkIsReported() throws {
    var bytes = try fixture("rgb8.png")
    bytes[bytes.count / 2] ^= 0x10
    let error = try #require(diagnostic(decoding: bytes))
    #expect(error.message.hasPrefix("the PNG image is damaged: "))
  }

  @Test func aDamagedScanIsReported() throws {
    // All ones is no Huffman code.
    var bytes = try fixture("rgb_444.jpg")
    let middle = bytes.count / 2
    for index in middle..<middle + 40 { bytes[index] = index % 2 == 0 ? 0xFF : 0x00 }
    let error = try #require(diagnostic(decoding: bytes))
    #expect(error.message.hasPrefix("the JPEG image is damaged or unsupported: "))
  }

  /// libjpeg goes on, without a part of the picture.
  @Test func aLostSegmentIsReported() throws {
    let error = try #require(diagnostic(decoding: try fixture("restart_lost.jpg")))
    #expect(
      error.message == "the JPEG image is damaged or unsupported: "
        + "a restart marker is missing or out of order")
  }

  /// A scan takes the time of a whole image and few bytes.
  @Test func tooManyScansAreRefused() throws {
    let bytes = try fixture("rgb_progressive.jpg")
    let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
    // The last one refines: it may come again, as far as the format goes.
    let last = try #require(scans.last)
    let end = bytes.count - 2
    var many = Array(bytes[..<end])
    for _ in 0..<501 { many += bytes[last..<end] }
    let error = try #require(diagnostic(decoding: many + bytes[end...]))
    #expect(error.message.hasPrefix("the JPEG image is damaged or unsupported: "))
  }

  /// A PNG of which only the header is there, with a right checksum.
  func pngHeader(width: UInt32, height: UInt32) -> [UInt8] {
    func bigEndian(_ value: UInt32) -> [UInt8] {
      withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) }
    }
    let body = Array("IHDR".utf8) + bigEndian(width) + bigEndian(height) + [8, 2, 0, 0, 0]
    var crc = UInt32.max
    for byte in body {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let empty = bigEndian(0) + Array("IDAT".utf8) + bigEndian(0x35AF_061E)
    return signature + bigEndian(13) + body + bigEndian(~crc) + empty
  }

  @Test func aHeaderAloneTakesNoMemory() throws {
    let huge = try #require(
      diagnostic(decoding: pngHeader(width: 2_000_000_000, height: 2_000_000_000)))
    #expect(
      huge.message
        == "the image is too large: 2000000000x2000000000 pixels, expected at most 268435456 in all"
    )
    let bomb = try #require(diagnostic(decoding: pngHeader(width: 16384, height: 16384)))
    #expect(
      bomb.message
        == "the image is truncated or damaged: "
        + "16384x16384 pixels need at least 780351 bytes, found 45"
    )
    let none = try #require(diagnostic(decoding: pngHeader(width: 0, height: 5)))
    #expect(none.message.hasPrefix("the PNG image is damaged: "))
  }

  @Test func aJPEGHeaderAloneTakesNoMemory() throws {
    var bytes = try fixture("rgb_420.jpg")
    let frame = try #require(
      bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0x3F, 0xFF, 0x3F, 0xFF])
    let bomb = try #require(diagnostic(decoding: bytes))
    #expect(
      bomb.message.hasPrefix(
        "the image is truncated or damaged: 16383x16383 pixels need at least 32764 bytes, found"))
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
    let huge = try #require(diagnostic(decoding: bytes))
    #expect(huge.message.hasPrefix("the image is too large: 65500x65500 pixels"))
  }

  /// A server takes fewer pixels than the reader could: the header tells, before memory is taken.
  @Test func theCallerCanTakeFewerPixels() throws {
    for (name, format) in [("rgb_420.jpg", "JPEG"), ("rgb8.png", "PNG")] {
      let bytes = try fixture(name)
      try bytes.withUnsafeBytes { bytes in
        let image = try Image(decoding: bytes, name: name)
        let pixels = image.width * image.height
        #expect(try Image(decoding: bytes, name: name, pixelLimit: pixels) == image)
        let error = #expect(throws: Diagnostic.self) {
          try Image(decoding: bytes, name: name, pixelLimit: pixels - 1)
        }
        #expect(
          error?.message
            == "the image is too large: \(image.width)x\(image.height) pixels, "
            + "expected at most \(pixels - 1) in all", "\(format)")
      }
    }
  }

  @Test func noDamageCrashes() throws {
    // Every byte of small files replaced: an image or a diagnostic, never a crash.
    for name in ["palette4.png", "grey16_interlaced.png", "rgb_progressive.jpg", "cmyk.jpg"] {
      let bytes = try fixture(name)
      for index in stride(from: 8, to: bytes.count, by: 3) {
        var damaged = bytes
        damaged[index] ^= UInt8(truncatingIfNeeded: 0x5A &+ index)
        if let error = diagnostic(decoding: damaged) {
          #expect(error.location == .file("image"))
        }
      }
    }
  }
}

extension Result<Image, Diagnostic> {
  /// Decodes bytes that are named "image" in errors.
  init(decoding bytes: UnsafeRawBufferPointer) {
    do throws(Diagnostic) {
      self = .success(try Image(decoding: bytes, name: "image"))
    } catch {
      self = .failure(error)
    }
  }
}
