import CVitABI
import RuntimeForTests

/// A picture by its fields: refused with a text, or the same bits as its upright RGB pixels give.
///
/// The first bytes are the fields, near what is right so that most are taken; others are pixels.
func fuzzPicture(_ bytes: UnsafeRawBufferPointer) {
  guard bytes.count >= FuzzedPicture.headerBytes else { return }
  var fuzzed = FuzzedPicture(bytes)
  let small = SmallProgram()
  small.preprocessing.pointee.resize = fuzzed.isResized ? VIT_RESIZE_EXACT : VIT_RESIZE_NONE
  small.preprocessing.pointee.resize_width = 5
  small.preprocessing.pointee.resize_height = 4
  small.preprocessing.pointee.filter = 3
  small.preprocessing.pointee.scale = (1, 1, 1)
  small.preprocessing.pointee.alpha_on_white = fuzzed.isOnWhite ? 1 : 0
  guard let memory = fuzzed.lay(bytes) else { return }
  defer { for plane in memory { plane.deallocate() } }

  var image = [Float](repeating: .nan, count: SmallProgram.count)
  let status = vit_rt_preprocess_picture(small.program, &fuzzed.picture, &image)
  guard fuzzed.isRight else {
    promise(status == VIT_INVALID_ARGUMENT, "status \(status) of \(fuzzed.picture)")
    promise(small.lastError.contains("picture"), "no text: \(small.lastError)")
    return
  }
  promise(status == VIT_OK, "status \(status) of \(fuzzed.picture): \(small.lastError)")
  let upright = fuzzed.upright()
  var expected = [Float](repeating: .nan, count: SmallProgram.count)
  let plain = vit_rt_preprocess(
    small.program, upright.rgb, Int32(upright.width), Int32(upright.height), 3 * upright.width,
    &expected)
  promise(plain == VIT_OK, "status \(plain) of the upright picture")
  promise(
    image.map(\.bitPattern) == expected.map(\.bitPattern),
    "other bits than the upright pixels' of \(fuzzed.picture)")
}

/// What the bytes of an input say of a picture.
private struct FuzzedPicture {
  static let headerBytes = 20
  /// The most that a plane takes here.
  private static let mostBytes = 1 << 14

  var picture = vit_picture()
  let isResized: Bool
  let isOnWhite: Bool
  private let hasNoPixels: Bool
  private let hasNoChroma: Bool

  init(_ bytes: UnsafeRawBufferPointer) {
    let flags = bytes[8]
    isResized = flags & 1 != 0
    isOnWhite = flags & 2 != 0
    hasNoPixels = flags & 0xC0 == 0x40
    hasNoChroma = flags & 0xC0 == 0x80
    picture.format = Int32(Int8(bitPattern: bytes[0]))
    picture.orientation = Int32(Int8(bitPattern: bytes[1]))
    picture.input = Int32(Int8(bitPattern: bytes[2]))
    picture.size = MemoryLayout<vit_picture>.size &+ Int(Int8(bitPattern: bytes[3]))
    picture.width = Int32(bytes.loadUnaligned(fromByteOffset: 4, as: Int16.self))
    picture.height = Int32(bytes.loadUnaligned(fromByteOffset: 6, as: Int16.self))
    let distance = bytes.loadUnaligned(fromByteOffset: 10, as: Int64.self)
    picture.row_bytes = Self.distance(
      leastLuma, Int(bytes[18]), isFlipped: flags & 4 != 0, flags & 8 != 0 ? distance : nil)
    picture.chroma_row_bytes = Self.distance(
      leastChroma, Int(bytes[19]), isFlipped: flags & 16 != 0, flags & 32 != 0 ? distance : nil)
  }

  private static func distance(
    _ least: Int, _ more: Int, isFlipped: Bool, _ any: Int64?
  ) -> Int {
    if let any { return Int(any) }
    // Mostly some bytes more than it must be, at times one less.
    let distance = more == 255 ? least - 1 : least + more % 9
    return isFlipped ? -distance : distance
  }

  private var isNV12: Bool { picture.format == VIT_PICTURE_NV12 }
  private var pixelBytes: Int {
    switch picture.format {
    case VIT_PICTURE_RGB, VIT_PICTURE_BGR: 3
    case VIT_PICTURE_RGBA, VIT_PICTURE_BGRA: 4
    default: 1
    }
  }
  private var leastLuma: Int { pixelBytes * Int(picture.width) }
  private var leastChroma: Int { 2 * ((Int(picture.width) + 1) / 2) }
  private var chromaRows: Int { (Int(picture.height) + 1) / 2 }

  /// Whether the library must take it.
  var isRight: Bool {
    let least = MemoryLayout<vit_picture>.size
    return (0...5).contains(picture.format) && (0...8).contains(picture.orientation)
      && picture.input == 0 && picture.size >= least && picture.width > 0 && picture.height > 0
      && !hasNoPixels && isDistance(picture.row_bytes, rows: Int(picture.height), leastLuma)
      && (!isNV12
        || !hasNoChroma && isDistance(picture.chroma_row_bytes, rows: chromaRows, leastChroma))
  }

  /// Whether rows may be so far apart: by a row at least, and not beyond what memory holds, even if
  /// there is one row only.
  private func isDistance(_ bytes: Int, rows: Int, _ least: Int) -> Bool {
    bytes.magnitude >= least && bytes.magnitude <= (1 << 46) / max(1, rows)
  }

  /// Gives the planes memory, as much as their rows take and no byte more.
  ///
  /// `nil` where that is more than a test should ask for. What is wrong gets a byte, which nobody
  /// may read.
  mutating func lay(_ bytes: UnsafeRawBufferPointer) -> [UnsafeMutableRawPointer]? {
    var planes: [UnsafeMutableRawPointer] = []
    func plane(_ rows: Int, _ distance: Int, _ least: Int) -> UnsafePointer<UInt8>? {
      let step = Int(clamping: distance.magnitude)
      let (between, overflow) = step.multipliedReportingOverflow(by: max(1, rows) - 1)
      guard !overflow, between <= Self.mostBytes, least <= Self.mostBytes else {
        return nil
      }
      let count = isRight ? between + least : 1
      let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 1)
      for index in 0..<count {
        let place = Self.headerBytes + index % max(1, bytes.count - Self.headerBytes)
        memory.storeBytes(
          of: place < bytes.count ? bytes[place] : 0, toByteOffset: index, as: UInt8.self)
      }
      planes.append(memory)
      let start = UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
      return distance < 0 && isRight ? start + between : start
    }
    let luma = plane(Int(picture.height), picture.row_bytes, leastLuma)
    let chroma = isNV12 ? plane(chromaRows, picture.chroma_row_bytes, leastChroma) : nil
    if isRight, luma == nil || (isNV12 && chroma == nil) {
      for plane in planes { plane.deallocate() }
      return nil
    }
    // What is refused may say any distance; one byte is there all the same.
    let spare = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
    planes.append(spare)
    let byte = UnsafePointer(spare.assumingMemoryBound(to: UInt8.self))
    picture.pixels = hasNoPixels ? nil : luma ?? byte
    picture.chroma = hasNoChroma ? nil : chroma ?? byte
    return planes
  }

  /// The upright RGB pixels, one after the other.
  func upright() -> (rgb: [UInt8], width: Int, height: Int) {
    let (columns, rows) = (Int(picture.width), Int(picture.height))
    let (width, height) = picture.orientation > 4 ? (rows, columns) : (columns, rows)
    var rgb: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        // Where the upright pixel is among the stored ones (EXIF).
        let (column, row) =
          switch picture.orientation {
          case 2: (columns - 1 - x, y)
          case 3: (columns - 1 - x, rows - 1 - y)
          case 4: (x, rows - 1 - y)
          case 5: (y, x)
          case 6: (y, rows - 1 - x)
          case 7: (columns - 1 - y, rows - 1 - x)
          case 8: (columns - 1 - y, x)
          default: (x, y)
          }
        rgb += pixel(column, row)
      }
    }
    return (rgb, width, height)
  }

  private func pixel(_ x: Int, _ y: Int) -> [UInt8] {
    guard let pixels = picture.pixels else { return [] }
    let at = pixels + (y * picture.row_bytes + x * pixelBytes)
    switch picture.format {
    case VIT_PICTURE_RGB: return [at[0], at[1], at[2]]
    case VIT_PICTURE_BGR: return [at[2], at[1], at[0]]
    case VIT_PICTURE_RGBA: return [at[0], at[1], at[2]].map { over($0, at[3]) }
    case VIT_PICTURE_BGRA: return [at[2], at[1], at[0]].map { over($0, at[3]) }
    case VIT_PICTURE_NV12:
      guard let chroma = picture.chroma else { return [] }
      let pair = chroma + (y / 2 * picture.chroma_row_bytes + x / 2 * 2)
      // BT.601 in real numbers; coefficients with 16 bits, as the interface's, so that both round
      // to the same byte.
      let luma = 76309 * (Double(at[0]) - 16)
      let (blue, red) = (Double(pair[0]) - 128, Double(pair[1]) - 128)
      return [
        luma + 104597 * red, luma - 25675 * blue - 53279 * red, luma + 132201 * blue,
      ].map { UInt8(max(0, min(255, ($0 / 65536 + 0.5).rounded(.down)))) }
    default: return [at[0], at[0], at[0]]
    }
  }

  /// A colour over white, as the interface says where the checkpoint wants it.
  private func over(_ color: UInt8, _ alpha: UInt8) -> UInt8 {
    guard isOnWhite else { return color }
    // PIL's `alpha_composite` over an opaque picture: 7 fractional bits, and its way to divide by
    // 255.
    let sum = (Int(color) * Int(alpha) + 255 * (255 - Int(alpha))) * 128 + 0x80 * 128
    return UInt8((sum / 256 + sum) / 256 / 128)
  }
}
