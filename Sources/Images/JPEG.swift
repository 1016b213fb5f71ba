import CTurboJPEG
import Diagnostics

/// Decodes a JPEG by libjpeg-turbo, with the slow integer DCT and smooth chroma upsampling that are
/// libjpeg's defaults, and so PIL's.
func decodeJPEG(_ bytes: UnsafeRawBufferPointer, name: String) throws(Diagnostic) -> Image {
  guard let decoder = tjInitDecompress() else {
    throw Diagnostic("cannot start the JPEG decoder: \(jpegText(nil))", at: .file(name))
  }
  defer { tjDestroy(decoder) }
  let start = bytes.bindMemory(to: UInt8.self).baseAddress
  let size = UInt(bytes.count)
  var width: Int32 = 0
  var height: Int32 = 0
  var subsampling: Int32 = 0
  var colorSpace: Int32 = -1
  let result = tjDecompressHeader3(
    decoder, start, size, &width, &height, &subsampling, &colorSpace)
  // It also fails for unusual chroma subsampling, after it has set the size; decoding works.
  guard (result == 0 && width > 0) || (width > 0 && height > 0 && subsampling < 0) else {
    throw jpegFailure(decoder, bytes, name: name)
  }
  // One bit for each block of 8x8 pixels is the least that Huffman coding takes: 512 pixels to a
  // byte. The factor 16 leaves room for subsampling and arithmetic coding.
  try checkSize(
    width: Int(width), height: Int(height), needed: Int(width) * Int(height) / (512 * 16),
    present: bytes.count, name: name)

  let isCMYK = colorSpace == Int32(TJCS_CMYK.rawValue) || colorSpace == Int32(TJCS_YCCK.rawValue)
  let format = isCMYK ? TJPF_CMYK : TJPF_RGB
  let channels = isCMYK ? 4 : 3
  var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * channels)
  let flags = Int32(TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS)
  if tjDecompress2(
    decoder, start, size, &pixels, width, 0, height, Int32(format.rawValue), flags) != 0
  {
    // Stray bytes between two segments lose nothing, cameras write them, and PIL reads them.
    let isHarmless =
      tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue)
      && jpegText(decoder).contains("extraneous bytes before marker")
    if !isHarmless { throw jpegFailure(decoder, bytes, name: name) }
  }
  return Image(
    width: Int(width), height: Int(height), rgb: isCMYK ? rgbFromInvertedCMYK(pixels) : pixels)
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

/// What libjpeg-turbo says.
private func jpegText(_ decoder: tjhandle?) -> String {
  guard let text = tjGetErrorStr2(decoder) else { return "unknown error" }
  return String(cString: text)
}

/// What libjpeg-turbo says, as a diagnostic.
///
/// At the end of the data it pretends to have seen an end marker, and says so; in the header it
/// then complains about the pretended marker instead, so a file without an end marker is truncated
/// too.
private func jpegFailure(
  _ decoder: tjhandle, _ bytes: UnsafeRawBufferPointer, name: String
) -> Diagnostic {
  let text = jpegText(decoder)
  let hasEnd = zip(bytes, bytes.dropFirst()).contains { $0 == 0xFF && $1 == 0xD9 }
  return text.contains("Premature end") || !hasEnd
    ? Diagnostic("the JPEG image is truncated: the file ends too early", at: .file(name))
    : Diagnostic("the JPEG image is damaged or unsupported: \(text)", at: .file(name))
}
