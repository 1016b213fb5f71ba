import Diagnostics
import Files
import Zip

extension NpzArchive {
  /// A member that is written: the bytes of an `.npy` file.
  public enum Member {
    /// The array in a file.
    case file(String)
    /// A list of texts, as NumPy stores them: `<U` and the length of the longest.
    case texts(StoredTexts)
  }

  /// Writes an archive of these members, in this order, as ``write(_:_:)`` does; no member is in
  /// memory as a whole.
  ///
  /// Errors: what reading a file and ``AtomicFile`` report. A failure leaves no file, or the old
  /// one.
  public static func write(
    _ path: String, members: [(name: String, member: Member)]
  ) throws(Diagnostic) {
    try AtomicFile.write(path: path) { (file: inout OutputFile) throws(Diagnostic) in
      var directory: [UInt8] = []
      for (name, member) in members {
        switch member {
        case .file(let source):
          let mapped = try MappedFile(source)
          var sum: UInt = 0
          forEachPart(mapped) { sum = checksum($0, seed: sum) }
          directory += try start(name, sum, mapped.count, &file)
          try forEachPart(mapped) { (part) throws(Diagnostic) in try file.append(part) }
        case .texts(let texts):
          var longest = 1
          try texts.forEach { longest = max(longest, $0.unicodeScalars.count) }
          let header = NpyHeader.text(type: "<U\(longest)", shape: [String(texts.count)])
          var sum = header.withUnsafeBytes { checksum($0) }
          try texts.forEach { text in
            sum = characters(text, longest).withUnsafeBytes { checksum($0, seed: sum) }
          }
          let bytes = header.count + 4 * longest * texts.count
          directory += try start(name, sum, bytes, &file)
          try file.append(header)
          try texts.forEach { (text) throws(Diagnostic) in
            try file.append(characters(text, longest))
          }
        }
      }
      let start = file.count
      try file.append(directory)
      try file.append(
        ZipRecord.end(count: members.count, start: start, sizeBytes: directory.count))
    }
  }

  /// Writes what comes before a member's bytes and returns its entry of the directory.
  private static func start(
    _ name: String, _ sum: UInt, _ bytes: Int, _ file: inout OutputFile
  ) throws(Diagnostic) -> [UInt8] {
    let entry = ZipRecord(
      name: Array((name + ".npy").utf8), checksum: UInt32(truncatingIfNeeded: sum),
      sizeBytes: bytes, offset: file.count)
    try file.append(entry.local)
    return entry.central
  }

  /// Calls `body` with all bytes of a file, part by part; what was read is handed back.
  private static func forEachPart<Failure: Error>(
    _ file: MappedFile, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let partBytes = 1 << 20
    try file.withUnsafeBytes { (bytes) throws(Failure) in
      for start in stride(from: 0, to: bytes.count, by: partBytes) {
        let part = UnsafeRawBufferPointer(
          rebasing: bytes[start..<min(start + partBytes, bytes.count)])
        try body(part)
        file.release(part)
      }
    }
  }

  /// The characters of a text as numbers of 32 bits, with zeros after them.
  private static func characters(_ text: String, _ longest: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * longest)
    for scalar in text.unicodeScalars {
      for part in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: scalar.value >> (8 * part))) }
    }
    return bytes + [UInt8](repeating: 0, count: 4 * longest - bytes.count)
  }
}
