import CWebP
import Diagnostics

/// Decodes a WebP by libwebp, with its defaults, which are PIL's: smooth chroma upsampling, no
/// dithering.
func decodeWebP(
  _ bytes: UnsafeRawBufferPointer, name: String, alpha: Image.Alpha, pixelLimit: Int
) throws(Diagnostic) -> Image {
  let start = bytes.bindMemory(to: UInt8.self).baseAddress
  var header = cwebp_header()
  if let fault = cwebp_read_header(start, bytes.count, &header) {
    throw webpFailure(fault, name: name)
  }
  guard header.is_animated == 0 else {
    throw Diagnostic(
      "expected a photo, found an animated WebP image", at: .file(name),
      hint: "take one picture out of it first")
  }
  let (width, height) = (Int(header.width), Int(header.height))
  // Of a picture in one colour WebP stores no pixel at all: no size of file is too small for it.
  try checkSize(
    width: width, height: height, needed: 0, present: bytes.count, name: name, limit: pixelLimit)
  let isComposited = alpha == .onWhite && header.has_alpha != 0
  var pixels = [UInt8](repeating: 0, count: width * height * (isComposited ? 4 : 3))
  if let fault = cwebp_read(
    start, bytes.count, header.width, header.height, isComposited ? 1 : 0, &pixels)
  {
    throw webpFailure(fault, name: name)
  }
  if isComposited {
    return Image(width: width, height: height, rgb: compositedOnWhite(pixels))
  }
  var image = Image(width: width, height: height, rgb: pixels)
  image.hasDroppedAlpha = header.has_alpha != 0
  return image
}

/// What libwebp says, as a diagnostic.
private func webpFailure(_ fault: UnsafePointer<CChar>, name: String) -> Diagnostic {
  let text = String(cString: fault)
  let isCut = text == "the file ends too early"
  return Diagnostic(
    "the WebP image is \(isCut ? "truncated" : "damaged or unsupported"): \(text)",
    at: .file(name))
}
