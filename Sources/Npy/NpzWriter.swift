import Diagnostics
import Files
import Zip

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
        ZipRecord.end(count: arrays.count, start: start, sizeBytes: directory.count))
    }
  }
}
