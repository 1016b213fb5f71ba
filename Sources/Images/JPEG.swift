import CJPEG
import Diagnostics

/// Decodes a JPEG by libjpeg-turbo, with its defaults, which are PIL's: the slow integer DCT,
/// smooth chroma upsampling, smoothing between blocks.
func decodeJPEG(
  _ bytes: UnsafeRawBufferPointer, name: String, pixelLimit: Int
) throws(Diagnostic) -> Image {
  let start = bytes.bindMemory(to: UInt8.self).baseAddress
  var error = [CChar](repeating: 0, count: CJPEG_ERROR_BYTES)
  var header = cjpeg_header()
  guard cjpeg_read_header(start, bytes.count, &header, &error) == 1 else {
    throw jpegFailure(error, name: name)
  }
  let width = Int(header.width)
  let height = Int(header.height)
  // One bit for each block of 8x8 pixels is the least that Huffman coding takes: 512 pixels to a
  // byte. The factor 16 leaves room for subsampling and arithmetic coding.
  try checkSize(
    width: width, height: height, needed: width * height / (512 * 16), present: bytes.count,
    name: name, limit: pixelLimit)

  var pixels = [UInt8](repeating: 0, count: width * height * Int(header.channels))
  guard cjpeg_read(start, bytes.count, &pixels, &error) == 1 else {
    throw jpegFailure(error, name: name)
  }
  return Image(
    width: width, height: height,
    rgb: header.channels == 4 ? rgbFromInvertedCMYK(pixels) : pixels)
}

/// PIL's conversion: a channel is `(255 - k) * (255 - c) / 255`, rounded as PIL's `MULDIV255` does,
/// where the file stores `255 - c` and `255 - k` (Adobe's convention, which PIL always assumes).
private func rgbFromInvertedCMYK(_ pixels: [UInt8]) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: pixels.count / 4 * 3) { rgb, count in
    for pixel in 0..<pixels.count / 4 {
      let notBlack = Int(pixels[4 * pixel + 3])
      for channel in 0..<3 {
        let ink = 255 - Int(pixels[4 * pixel + channel])
        let product = ink * notBlack + 128
        rgb[3 * pixel + channel] = UInt8(notBlack - ((product >> 8) + product) >> 8)
      }
    }
    count = pixels.count / 4 * 3
  }
}

/// What libjpeg says, as a diagnostic.
private func jpegFailure(_ error: [CChar], name: String) -> Diagnostic {
  let text = String(decoding: error.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  if text == "the file ends too early" {
    return Diagnostic("the JPEG image is truncated: \(text)", at: .file(name))
  }
  return Diagnostic("the JPEG image is damaged or unsupported: \(text)", at: .file(name))
}
