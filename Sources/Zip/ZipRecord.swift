/// Signatures of the records of a zip archive (PKWARE APPNOTE 6.3, sections 4.3.7 to 4.3.16).
enum ZipSignature {
  static let local: UInt32 = 0x0403_4B50
  static let central: UInt32 = 0x0201_4B50
  static let end: UInt32 = 0x0605_4B50
  static let end64: UInt32 = 0x0606_4B50
  static let locator64: UInt32 = 0x0706_4B50
}

/// What the headers of a stored entry say.
public struct ZipRecord {
  /// The name's UTF-8; fewer than 65536 bytes.
  public var name: [UInt8]
  /// The CRC-32 of the data.
  public var checksum: UInt32
  /// The number of bytes of the data.
  public var sizeBytes: Int
  /// Where its local header begins.
  public var offset: Int

  /// Creates a record.
  public init(name: [UInt8], checksum: UInt32, sizeBytes: Int, offset: Int) {
    self.name = name
    self.checksum = checksum
    self.sizeBytes = sizeBytes
    self.offset = offset
  }

  /// The header before the data.
  public var local: [UInt8] {
    little(ZipSignature.local) + common + little(UInt16(20)) + name
      // The 64-bit sizes: id, length, unpacked, stored.
      + little(UInt16(1)) + little(UInt16(16)) + little(UInt64(sizeBytes))
      + little(UInt64(sizeBytes))
  }

  /// The entry of the directory.
  public var central: [UInt8] {
    // Made by version 4.5.
    little(ZipSignature.central) + little(UInt16(45)) + common + little(UInt16(28))
      // No comment, first disk, no attributes, 64-bit offset.
      + [UInt8](repeating: 0, count: 10) + little(UInt32.max) + name
      + little(UInt16(1)) + little(UInt16(24)) + little(UInt64(sizeBytes))
      + little(UInt64(sizeBytes)) + little(UInt64(offset))
  }

  /// What both share: from the version to the length of the name.
  private var common: [UInt8] {
    // Needs version 4.5 (64-bit sizes); the name is UTF-8; stored; midnight of 1980-01-01.
    little(UInt16(45)) + little(UInt16(1 << 11)) + little(UInt16(0)) + little(UInt16(0))
      + little(UInt16(0x21)) + little(checksum) + little(UInt32.max) + little(UInt32.max)
      + little(UInt16(name.count))
  }

  /// The 64-bit end record, its locator, and the end record.
  public static func end(count: Int, start: Int, sizeBytes: Int) -> [UInt8] {
    let end64 =
      // 44 bytes follow; made by and needs version 4.5; disks 0 and 0.
      little(ZipSignature.end64) + little(UInt64(44)) + little(UInt16(45)) + little(UInt16(45))
      + little(UInt64(0)) + little(UInt64(count)) + little(UInt64(count))
      + little(UInt64(sizeBytes)) + little(UInt64(start))
    // Disk 0; 1 disk in all.
    let locator =
      little(ZipSignature.locator64) + little(UInt32(0)) + little(UInt64(start + sizeBytes))
      + little(UInt32(1))
    let end =
      little(ZipSignature.end) + little(UInt32(0)) + little(UInt16.max) + little(UInt16.max)
      + little(UInt32.max) + little(UInt32.max) + little(UInt16(0))
    return end64 + locator + end
  }
}

/// The bytes of a number, the lowest first.
private func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
}
