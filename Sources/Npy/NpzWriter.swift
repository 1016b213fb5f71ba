import Diagnostics
import Files

extension NpzArchive {
  /// Writes an archive of these arrays, in this order, that `numpy.load` reads: stored, not
  /// compressed, always with 64-bit sizes, and with a fixed date, so that equal arrays give equal
  /// bytes.
  ///
  /// Errors, at `.file(path)`: two arrays of one name; what ``AtomicFile`` reports. A failure
  /// leaves no file, or the old one.
  ///
  /// - Precondition: A name has fewer than 65000 bytes.
  public static func write(
    _ path: String, _ arrays: [(name: String, array: NpyArray)]
  ) throws(Diagnostic) {
    var seen: Set<String> = []
    for (name, _) in arrays where !seen.insert(name).inserted {
      throw Diagnostic("cannot write two arrays of one name, '\(name)'", at: .file(path))
    }
    try AtomicFile.write(path: path) { (file: inout OutputFile) throws(Diagnostic) in
      var directory: [UInt8] = []
      for (name, array) in arrays {
        let offset = file.count
        let header = array.header
        let seed = header.withUnsafeBytes { checksum($0) }
        let entry = ZipRecord(
          name: Array((name + ".npy").utf8),
          checksum: UInt32(
            truncatingIfNeeded: array.values.withUnsafeBytes { checksum($0, seed: seed) }),
          sizeBytes: header.count + 4 * array.values.count, offset: offset)
        try file.append(entry.local)
        try file.append(header)
        try file.append(array.values)
        directory += entry.central
      }
      let start = file.count
      try file.append(directory)
      try file.append(
        zipEnd(count: arrays.count, start: start, sizeBytes: directory.count))
    }
  }
}

/// What the headers of a stored entry say.
private struct ZipRecord {
  var name: [UInt8]
  var checksum: UInt32
  var sizeBytes: Int
  var offset: Int

  /// The header before the data.
  var local: [UInt8] {
    little(ZipSignature.local) + common + little(UInt16(20)) + name
      // The 64-bit sizes: id, length, unpacked, stored.
      + little(UInt16(1)) + little(UInt16(16)) + little(UInt64(sizeBytes))
      + little(UInt64(sizeBytes))
  }

  /// The entry of the directory.
  var central: [UInt8] {
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
}

/// The 64-bit end record, its locator, and the end record.
private func zipEnd(count: Int, start: Int, sizeBytes: Int) -> [UInt8] {
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

/// The bytes of a number, the lowest first.
private func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { [UInt8]($0) }
}
