import CPNG

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Image {
  /// The image as a PNG file: RGB of 8 bits, not interlaced, without chunks that are not needed, so
  /// that equal images have equal files.
  public var png: [UInt8] {
    var size = 0
    let bytes = rgb.withUnsafeBufferPointer {
      cpng_write_rgb($0.baseAddress, UInt32(width), UInt32(height), &size)
    }
    // Swift's own arrays end the process where memory is short, as this does.
    guard let bytes else { preconditionFailure("no memory for a PNG of \(width)x\(height)") }
    defer { free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: size))
  }
}
