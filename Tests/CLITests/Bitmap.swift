import Foundation

/// A picture that a test draws, as a PNG.
struct Bitmap {
  let width: Int
  let height: Int
  /// Red, green, blue of each pixel.
  var rgb: [UInt8]

  /// A picture in one colour.
  init(width: Int = 2, height: Int = 2, _ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.width = width
    self.height = height
    rgb = (0..<width * height).flatMap { _ in [red, green, blue] }
  }

  /// A grey picture, enlarged so that each pixel becomes a square of `scale` pixels.
  init(grey: some Collection<UInt8>, width: Int, height: Int, scale: Int = 1) {
    let pixels = Array(grey)
    self.width = width * scale
    self.height = height * scale
    rgb = []
    for y in 0..<height * scale {
      for x in 0..<width * scale {
        let value = pixels[y / scale * width + x / scale]
        rgb += [value, value, value]
      }
    }
  }

  /// The file: one stored block for each row, nothing compressed.
  var png: Data {
    var raw: [[UInt8]] = []
    for y in 0..<height { raw.append([0] + rgb[y * width * 3..<(y + 1) * width * 3]) }
    var stream: [UInt8] = [0x78, 0x01]
    var (a, b): (UInt32, UInt32) = (1, 0)
    for (y, row) in raw.enumerated() {
      let count = UInt16(row.count)
      stream.append(y == height - 1 ? 1 : 0)
      stream += [UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8)]
      stream += row
      for byte in row {
        a = (a + UInt32(byte)) % 65521
        b = (b + a) % 65521
      }
    }
    stream += Self.big(b << 16 | a)
    let header =
      Self.big(UInt32(width)) + Self.big(UInt32(height)) + [8, 2, 0, 0, 0]
    return Data(
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
        + Self.chunk("IDAT", stream) + Self.chunk("IEND", []))
  }

  /// Writes the file; folders are made.
  func write(to path: String) throws {
    let url = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try png.write(to: url)
  }

  private static func big(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(kind.utf8) + data
    var crc = UInt32.max
    for byte in body {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return big(UInt32(data.count)) + body + big(~crc)
  }
}
