import Diagnostics
import Zip

/// One array of an archive, read from its first byte on: in place where it is stored, unpacked in
/// pieces where it is compressed.
struct NpzMember {
  /// What its header says.
  let header: NpyHeader
  /// The number of elements; all of them fit into the bytes that the archive's directory states.
  let count: Int
  /// Its bytes as they are stored.
  let data: UnsafeRawBufferPointer

  private let entry: ZipEntry
  private let location: Diagnostic.Location

  /// Unpacked bytes pass through a buffer of this size, which stays in the cache; a multiple of the
  /// size of every element.
  private static let chunkBytes = 1 << 18

  /// Reads the header of an array whose stored bytes are `data`.
  ///
  /// Errors, at `location`: damaged compression; what ``NpyHeader`` reports; fewer or more bytes
  /// than the header says.
  init(
    _ entry: ZipEntry, _ data: UnsafeRawBufferPointer, at location: Diagnostic.Location
  ) throws(Diagnostic) {
    self.entry = entry
    self.location = location
    self.data = data
    switch entry.method {
    case .stored: header = try NpyHeader(parsing: data, at: location)
    case .deflated:
      // The longest header, or the whole array: a small buffer, whatever the directory claims.
      var start = [UInt8](
        repeating: 0, count: min(entry.unpackedBytes, 12 + NpyHeader.maximumLength))
      guard let stream = InflateStream(data), start.withUnsafeMutableBytes({ stream.fill($0) })
      else { throw Self.damagedStream(entry, location) }
      header = try start.withUnsafeBytes { start in
        Result { () throws(Diagnostic) in try NpyHeader(parsing: start, at: location) }
      }.get()
    }
    count = try header.count(at: location)
    try header.check(dataBytes: entry.unpackedBytes - header.sizeBytes, at: location)
  }

  /// Returns these elements as numbers; with all of them, the checksum is verified too.
  func floats(_ range: Range<Int>) throws(Diagnostic) -> [Float] {
    let values: [Float]
    do {
      // Room for one at least: the count of an empty array is written where all threads read.
      values = try [Float](unsafeUninitializedCapacity: max(1, range.count)) {
        target, initialized in
        switch entry.method {
        case .stored: try readStored(range, into: target.baseAddress)
        case .deflated: try readDeflated(range, into: target.baseAddress)
        }
        initialized = range.count
      }
    } catch let diagnostic as Diagnostic {
      throw diagnostic
    } catch {
      throw Diagnostic("\(error)", at: location)
    }
    return values
  }

  private func readStored(
    _ range: Range<Int>, into target: UnsafeMutablePointer<Float>?
  ) throws(Diagnostic) {
    if range == 0..<count { try check(checksum(data)) }
    guard let target else { return }
    let start = header.sizeBytes + range.lowerBound * header.element.sizeBytes
    header.element.widen(
      UnsafeRawBufferPointer(rebasing: data[start...]), into: target, count: range.count)
  }

  private func readDeflated(
    _ range: Range<Int>, into target: UnsafeMutablePointer<Float>?
  ) throws(Diagnostic) {
    guard let stream = InflateStream(data) else { throw Self.damagedStream(entry, location) }
    let width = header.element.sizeBytes
    let chunk = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.chunkBytes, alignment: 8)
    defer { chunk.deallocate() }
    var sum: UInt = 0
    func next(_ bytes: Int) throws(Diagnostic) -> UnsafeRawBufferPointer {
      let part = UnsafeMutableRawBufferPointer(rebasing: chunk[..<bytes])
      guard stream.fill(part) else { throw Self.damagedStream(entry, location) }
      sum = checksum(UnsafeRawBufferPointer(part), seed: sum)
      return UnsafeRawBufferPointer(part)
    }
    var skipped = header.sizeBytes + range.lowerBound * width
    while skipped > 0 { skipped -= try next(min(skipped, Self.chunkBytes)).count }
    var done = 0
    while let target, done < range.count {
      let part = min(range.count - done, Self.chunkBytes / width)
      header.element.widen(try next(part * width), into: target + done, count: part)
      done += part
    }
    guard range == 0..<count else { return }
    guard stream.isAtEnd() else { throw Self.damagedStream(entry, location) }
    try check(sum)
  }

  private func check(_ sum: UInt) throws(Diagnostic) {
    guard sum == UInt(entry.checksum) else {
      throw Diagnostic("the archive is damaged: the checksum of the array is wrong", at: location)
    }
  }

  private static func damagedStream(
    _ entry: ZipEntry, _ location: Diagnostic.Location
  ) -> Diagnostic {
    Diagnostic(
      "the compressed data is damaged, or has not the \(entry.unpackedBytes) bytes that it "
        + "should", at: location)
  }
}
