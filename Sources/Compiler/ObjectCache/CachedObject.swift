import Packaging

/// A file of the cache: an object, and the whole key that it was kept under.
///
/// The bytes: a line that names the format, the key and the object, each after its count in 8
/// bytes, little-endian; and the XXH3-128 hash of all before, the low half first. So a file that
/// was cut off, changed or renamed is known, and two keys of the same hash are told apart.
struct CachedObject {
  private static let mark = Array("vitc object 1\n".utf8)
  private static let countBytes = 8
  private static let hashBytes = 16

  let key: [UInt8]
  let object: [UInt8]

  /// The file.
  var bytes: [UInt8] {
    var bytes = Self.mark
    for part in [key, object] {
      bytes += Self.littleEndian(UInt64(part.count))
      bytes += part
    }
    return bytes + Self.hash(bytes[...])
  }

  init(key: [UInt8], object: [UInt8]) {
    self.key = key
    self.object = object
  }

  /// Reads a file; `nil` where a byte is not as it was written.
  init?(_ bytes: [UInt8]) {
    let end = bytes.count - Self.hashBytes
    guard end >= Self.mark.count, bytes.starts(with: Self.mark),
      bytes[end...].elementsEqual(Self.hash(bytes[..<end]))
    else { return nil }
    var rest = bytes[Self.mark.count..<end]
    func part() -> [UInt8]? {
      guard rest.count >= Self.countBytes else { return nil }
      let count = rest.prefix(Self.countBytes).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      rest = rest.dropFirst(Self.countBytes)
      guard count <= UInt64(rest.count) else { return nil }
      defer { rest = rest.dropFirst(Int(count)) }
      return Array(rest.prefix(Int(count)))
    }
    guard let key = part(), let object = part(), rest.isEmpty else { return nil }
    self.init(key: key, object: object)
  }

  private static func hash(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let hash = bytes.withUnsafeBytes { WeightHash(of: $0) }
    return littleEndian(hash.low) + littleEndian(hash.high)
  }

  private static func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<countBytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }
}
