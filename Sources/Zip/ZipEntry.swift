import Diagnostics

/// One file in a zip archive, as the central directory describes it.
public struct ZipEntry: Sendable {
  /// How the bytes are stored.
  public enum Method: Sendable {
    /// As they are.
    case stored
    /// Compressed by deflate.
    case deflated
  }

  /// The name, with folders.
  public var name: String
  /// How the bytes are stored.
  public var method: Method
  /// The CRC-32 of the uncompressed bytes.
  public var checksum: UInt32
  /// The number of bytes in the archive.
  public var storedBytes: Int
  /// The number of bytes when unpacked.
  public var unpackedBytes: Int
  /// Where the local header begins, which the bytes follow.
  public var offset: Int

  /// The most bytes that an entry may unpack to: 2^33, 8 GiB.
  public static let maximumBytes = 1 << 33

  /// Refuses sizes that cannot be true before memory is taken for them; `noun` is what messages
  /// call the entry.
  ///
  /// Errors, at `location`: the archive does not hold as many bytes; deflate, which packs at most
  /// 1032 to 1, cannot give as many; more than ``maximumBytes`` when unpacked.
  public func check(
    archiveBytes: Int, noun: String, at location: Diagnostic.Location
  ) throws(Diagnostic) {
    guard storedBytes <= archiveBytes else {
      throw Diagnostic(
        "the archive is truncated or damaged: the \(noun) takes \(storedBytes) bytes of it, "
          + "but it has \(archiveBytes)", at: location)
    }
    guard unpackedBytes <= Self.maximumBytes else {
      throw Diagnostic(
        "the \(noun) is too large: \(unpackedBytes) bytes, expected at most "
          + "\(Self.maximumBytes)", at: location)
    }
    let isPossible =
      switch method {
      case .stored: unpackedBytes == storedBytes
      // No overflow: storedBytes is at most the size of a file.
      case .deflated: unpackedBytes / 1032 <= storedBytes
      }
    guard isPossible else {
      throw Diagnostic(
        "the archive is damaged: \(storedBytes) bytes cannot unpack to \(unpackedBytes)",
        at: location)
    }
  }
}
