/// What the first bytes of a file say it is.
enum ImageFormat {
  /// PNG.
  case png
  /// JPEG, in any container that begins with an SOI marker.
  case jpeg
  /// WebP, lossy or lossless.
  case webp
  /// Anything else: its name for a message, and what to do about it.
  case other(String, hint: String?)

  /// Recognizes a file.
  init(of bytes: UnsafeRawBufferPointer) {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if holds("RIFF", in: bytes), holds("WEBP", at: 8, in: bytes) {
      self = .webp
    } else if let name = foreignFormat(bytes) {
      self = .other(name, hint: "convert it to PNG first")
    } else if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) {
      self = .other("a NumPy array", hint: "give it as --input FILE.npy")
    } else if bytes.starts(with: Array("version https://git-lfs".utf8)) {
      self = .other("a Git LFS pointer", hint: "run 'git lfs pull' to get the image itself")
    } else {
      let digits = bytes.prefix(8).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
      self = .other("a file that begins with \(digits.joined(separator: " "))", hint: nil)
    }
  }
}

/// Whether these bytes are at this place.
private func holds(
  _ text: String, at offset: Int = 0, in bytes: UnsafeRawBufferPointer
) -> Bool {
  bytes.dropFirst(offset).starts(with: text.utf8)
}

/// The name of an image format that is not decoded.
private func foreignFormat(_ bytes: UnsafeRawBufferPointer) -> String? {
  func begins(_ text: String, at offset: Int = 0) -> Bool { holds(text, at: offset, in: bytes) }
  if begins("GIF8") { return "a GIF image" }
  if begins("BM") { return "a BMP image" }
  if begins("II*\0") || begins("MM\0*") { return "a TIFF image" }
  if begins("\0\0\0\u{0C}jP  ") { return "a JPEG 2000 image" }
  if begins("\0\0\0\u{0C}JXL ") || bytes.starts(with: [0xFF, 0x0A]) { return "a JPEG XL image" }
  if begins("ftyp", at: 4) {
    if begins("avif", at: 8) || begins("avis", at: 8) { return "an AVIF image" }
    if ["heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"].contains(where: {
      begins($0, at: 8)
    }) {
      return "a HEIC image"
    }
    return "a video"
  }
  if begins("8BPS") { return "a Photoshop document" }
  if begins("%PDF") { return "a PDF document" }
  if begins("<svg") || begins("<?xml") { return "an SVG or XML document" }
  return nil
}
