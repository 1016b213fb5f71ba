import Diagnostics

/// The diagnostic for an archive that cannot be understood.
public func damagedArchive(_ reason: String, path: String) -> Diagnostic {
  Diagnostic("the archive is damaged: \(reason)", at: .file(path))
}

/// Reads the central directory of a zip archive, with 64-bit sizes where they are used.
func zipEntries(_ bytes: UnsafeRawBufferPointer, path: String) throws(Diagnostic) -> [ZipEntry] {
  let directory = try zipDirectory(bytes, path)
  var reader = ByteReader(bytes, at: directory.offset)
  var entries: [ZipEntry] = []
  // Not reserved: the count is a claim.
  for index in 0..<directory.count {
    guard let entry = try readEntry(&reader, path) else {
      throw damagedArchive("entry \(index) of its directory is cut off", path: path)
    }
    entries.append(entry)
  }
  return entries
}

/// Where the central directory begins, and how many entries it has.
private func zipDirectory(
  _ bytes: UnsafeRawBufferPointer, _ path: String
) throws(Diagnostic) -> (offset: Int, count: UInt64) {
  // The end record has 22 bytes and a comment of at most 65535.
  let first = max(0, bytes.count - 22 - 65535)
  var end = bytes.count - 22
  while end >= first, bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self) != ZipSignature.end
  {
    end -= 1
  }
  guard end >= first else {
    throw Diagnostic(
      "the archive is truncated: the directory at its end is missing", at: .file(path))
  }
  var reader = ByteReader(bytes, at: end + 10)
  guard let count = reader.next(UInt16.self), reader.next(UInt32.self) != nil,
    let offset = reader.next(UInt32.self)
  else { throw damagedArchive("its end record is cut off", path: path) }
  if count != .max && offset != .max { return (Int(offset), UInt64(count)) }

  // Too large for the old fields: the 64-bit end record holds them; its locator comes before.
  var locator = ByteReader(bytes, at: end - 20)
  guard locator.next(UInt32.self) == ZipSignature.locator64, locator.next(UInt32.self) != nil,
    let place = locator.next(UInt64.self), let start = Int(exactly: place)
  else { throw damagedArchive("its 64-bit end locator is missing", path: path) }
  var end64 = ByteReader(bytes, at: start)
  guard end64.next(UInt32.self) == ZipSignature.end64, end64.take(28) != nil,
    let count64 = end64.next(UInt64.self), end64.next(UInt64.self) != nil,
    let offset64 = end64.next(UInt64.self), let offset = Int(exactly: offset64)
  else { throw damagedArchive("its 64-bit end record is missing", path: path) }
  return (offset, count64)
}

/// Reads one entry of the central directory; `nil` if it is cut off.
private func readEntry(_ reader: inout ByteReader, _ path: String) throws(Diagnostic) -> ZipEntry? {
  guard let signature = reader.next(UInt32.self) else { return nil }
  guard signature == ZipSignature.central else {
    throw damagedArchive("its directory is not where its end says", path: path)
  }
  guard reader.take(4) != nil, let flags = reader.next(UInt16.self),
    let methodNumber = reader.next(UInt16.self), reader.take(4) != nil,
    let checksum = reader.next(UInt32.self),
    let stored32 = reader.next(UInt32.self), let unpacked32 = reader.next(UInt32.self),
    let nameBytes = reader.next(UInt16.self), let extraBytes = reader.next(UInt16.self),
    let commentBytes = reader.next(UInt16.self), reader.take(8) != nil,
    let offset32 = reader.next(UInt32.self),
    let rawName = reader.take(Int(nameBytes)), let extra = reader.take(Int(extraBytes)),
    reader.take(Int(commentBytes)) != nil
  else { return nil }

  let name = String(decoding: rawName, as: UTF8.self)
  guard flags & 1 == 0 else {
    throw Diagnostic("'\(name)' in the archive is encrypted", at: .file(path))
  }
  let method: ZipEntry.Method
  switch methodNumber {
  case 0: method = .stored
  case 8: method = .deflated
  default:
    throw Diagnostic(
      "'\(name)' in the archive is compressed by method \(methodNumber), expected 0 (stored) or "
        + "8 (deflate)", at: .file(path), hint: "write it without compression")
  }
  // The fields that are all ones are in the 64-bit extra field instead, in this order.
  var wide = zip64Field(extra)
  func value(_ narrow: UInt32) -> Int? {
    guard narrow == .max else { return Int(narrow) }
    return wide?.next(UInt64.self).flatMap { Int(exactly: $0) }
  }
  guard let unpacked = value(unpacked32), let stored = value(stored32),
    let offset = value(offset32)
  else { throw damagedArchive("the 64-bit sizes of '\(name)' are missing", path: path) }
  return ZipEntry(
    name: name, method: method, checksum: checksum, storedBytes: stored, unpackedBytes: unpacked,
    offset: offset)
}

/// The contents of the extra field with the id 1.
private func zip64Field(_ extra: UnsafeRawBufferPointer) -> ByteReader? {
  var reader = ByteReader(extra)
  while let id = reader.next(UInt16.self), let size = reader.next(UInt16.self),
    let contents = reader.take(Int(size))
  {
    if id == 1 { return ByteReader(contents) }
  }
  return nil
}
