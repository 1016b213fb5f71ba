import CPNG
import Diagnostics

/// Decodes a PNG by libpng.
func decodePNG(
  _ bytes: UnsafeRawBufferPointer, name: String, alpha: Image.Alpha, pixelLimit: Int
) throws(Diagnostic) -> Image {
  let start = bytes.bindMemory(to: UInt8.self).baseAddress
  var error = [CChar](repeating: 0, count: CPNG_ERROR_BYTES)
  var header = cpng_header()
  guard cpng_read_header(start, bytes.count, &header, &error) == 1 else {
    throw pngFailure(error, name: name)
  }
  let width = Int(header.width)
  let height = Int(header.height)
  // Each row is a filter byte and its samples; deflate shrinks at most 1032 to 1 (258 bytes for the
  // 2 bits of a repetition of the shortest codes), so fewer bytes cannot hold the image.
  let bits = UInt64(width) * UInt64(header.bit_depth) * UInt64(header.channels)
  let raw = (UInt64(height)).multipliedReportingOverflow(by: 1 + (bits + 7) / 8)
  let needed = raw.overflow ? UInt64(Int64.max) : raw.partialValue / 1032
  try checkSize(
    width: width, height: height, needed: Int(clamping: needed), present: bytes.count, name: name,
    limit: pixelLimit)

  if alpha == .onWhite, header.has_alpha != 0 {
    var rgba = [UInt8](repeating: 0, count: width * height * 4)
    guard
      cpng_read_rgba(start, bytes.count, header.width, header.height, &rgba, &error) == 1
    else { throw pngFailure(error, name: name) }
    return Image(width: width, height: height, rgb: compositedOnWhite(rgba))
  }
  var rgb = [UInt8](repeating: 0, count: width * height * 3)
  guard
    cpng_read_rgb(start, bytes.count, header.width, header.height, &rgb, &error) == 1
  else { throw pngFailure(error, name: name) }
  var image = Image(width: width, height: height, rgb: rgb)
  image.hasDroppedAlpha = header.has_alpha != 0
  return image
}

/// What libpng says, as a diagnostic.
private func pngFailure(_ error: [CChar], name: String) -> Diagnostic {
  let text = String(decoding: error.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  if text == "the file ends too early" {
    return Diagnostic("the PNG image is truncated: \(text)", at: .file(name))
  }
  return Diagnostic("the PNG image is damaged: \(text)", at: .file(name))
}
