/// How a camera was held, by EXIF's numbers: what turns a picture upright.
struct Orientation: Hashable {
  /// 1 to 8; 1 is upright.
  let code: Int

  /// EXIF's tag of the orientation.
  private static let tag = 0x0112

  /// Reads the orientation of a PNG, JPEG or WebP; 1 where the file says none that exists.
  init(of bytes: UnsafeRawBufferPointer) {
    let found = Orientation.exif(bytes).flatMap { Orientation.read(Array($0)) } ?? 1
    code = (1...8).contains(found) ? found : 1
  }

  /// The EXIF data: of a JPEG's APP1 segment, of a PNG's eXIf chunk, or of a WebP's EXIF chunk.
  private static func exif(_ bytes: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
    switch ImageFormat(of: bytes) {
    case .jpeg: segment(bytes)
    case .png: chunk(bytes)
    case .webp: riffChunk(bytes)
    case .other: nil
    }
  }

  private static func segment(
    _ bytes: UnsafeRawBufferPointer
  ) -> Slice<UnsafeRawBufferPointer>? {
    var at = 2
    while at + 4 <= bytes.count {
      // Fill bytes and what belongs to no segment are passed over, as PIL does.
      guard bytes[at] == 0xFF, bytes[at + 1] != 0xFF, bytes[at + 1] != 0 else {
        at += 1
        continue
      }
      let marker = bytes[at + 1]
      // Start and end of the image and restarts have no length; a scan ends the search.
      if marker == 0xD8 || marker == 0x01 || (0xD0...0xD7).contains(marker) {
        at += 2
        continue
      }
      if marker == 0xDA || marker == 0xD9 { return nil }
      let end = at + 2 + Int(bytes[at + 2]) << 8 + Int(bytes[at + 3])
      guard end >= at + 4, end <= bytes.count else { return nil }
      let body = bytes[(at + 4)..<end]
      if marker == 0xE1, body.starts(with: Array("Exif\0\0".utf8)) { return body.dropFirst(6) }
      at = end
    }
    return nil
  }

  private static func chunk(_ bytes: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
    var at = 8
    while at + 12 <= bytes.count {
      let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
      guard length <= bytes.count - at - 12 else { return nil }
      let body = bytes[(at + 8)..<(at + 8 + length)]
      if bytes[(at + 4)..<(at + 8)].elementsEqual("eXIf".utf8) {
        // Some writers keep JPEG's mark.
        return body.starts(with: Array("Exif\0\0".utf8)) ? body.dropFirst(6) : body
      }
      at += 12 + length
    }
    return nil
  }

  /// Chunks are a name, a length with its lowest byte first, and bytes, to an even number.
  private static func riffChunk(
    _ bytes: UnsafeRawBufferPointer
  ) -> Slice<UnsafeRawBufferPointer>? {
    var at = 12
    while at + 8 <= bytes.count {
      let length = (0..<4).reduce(0) { $0 | Int(bytes[at + 4 + $1]) << (8 * $1) }
      guard length <= bytes.count - at - 8 else { return nil }
      if bytes[at..<(at + 4)].elementsEqual("EXIF".utf8) {
        let body = bytes[(at + 8)..<(at + 8 + length)]
        return body.starts(with: Array("Exif\0\0".utf8)) ? body.dropFirst(6) : body
      }
      at += 8 + length + length % 2
    }
    return nil
  }

  /// The orientation of a TIFF header's first directory, or `nil`.
  private static func read(_ tiff: [UInt8]) -> Int? {
    let isLittle = tiff.starts(with: [0x49, 0x49, 0x2A, 0])
    guard isLittle || tiff.starts(with: [0x4D, 0x4D, 0, 0x2A]) else { return nil }
    func number(_ at: Int, _ count: Int) -> Int? {
      guard at >= 0, at + count <= tiff.count else { return nil }
      let part = tiff[at..<(at + count)]
      return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
    for entry in 0..<entries {
      let at = directory + 2 + 12 * entry
      guard let tag = number(at, 2), let type = number(at + 2, 2) else { return nil }
      // Of a byte, a short or a long, whichever the writer took.
      let bytes = [1: 1, 3: 2, 4: 4][type]
      if tag == Self.tag, let bytes, number(at + 4, 4) == 1 { return number(at + 8, bytes) }
    }
    return nil
  }
}

extension Image {
  /// The picture as it is upright.
  func oriented(by orientation: Orientation) -> Image {
    let code = orientation.code
    if code == 1 { return self }
    let isTurned = code >= 5
    let (newWidth, newHeight) = isTurned ? (height, width) : (width, height)
    var pixels = [UInt8](repeating: 0, count: rgb.count)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        // Where the pixel is in the file; PIL's names of what is done.
        let (column, row) =
          switch code {
          case 2: (width - 1 - x, y)  // FLIP_LEFT_RIGHT
          case 3: (width - 1 - x, height - 1 - y)  // ROTATE_180
          case 4: (x, height - 1 - y)  // FLIP_TOP_BOTTOM
          case 5: (y, x)  // TRANSPOSE
          case 6: (y, height - 1 - x)  // ROTATE_270
          case 7: (width - 1 - y, height - 1 - x)  // TRANSVERSE
          default: (width - 1 - y, x)  // ROTATE_90
          }
        for c in 0..<3 {
          pixels[3 * (y * newWidth + x) + c] = rgb[3 * (row * width + column) + c]
        }
      }
    }
    var result = Image(width: newWidth, height: newHeight, rgb: pixels)
    result.hasDroppedAlpha = hasDroppedAlpha
    return result
  }
}
