import CZlib

/// Unpacks a raw deflate stream piece by piece, in the memory that the caller gives.
public final class InflateStream {
  // zlib keeps the address of its stream.
  private let stream: UnsafeMutablePointer<z_stream>
  private var source: UnsafeRawBufferPointer
  private var hasEnded = false

  /// zlib counts in 32 bits: both sides go in pieces.
  private static let pieceBytes = 1 << 30

  /// Begins at the first byte of `data`; `nil` if there is no memory.
  public init?(_ data: UnsafeRawBufferPointer) {
    source = data
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // -15: no zlib header, the largest window. The macro inflateInit2 is not visible here.
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(stream, -15, ZLIB_VERSION, size) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Unpacks as many bytes as `target` has; `false` if the stream is damaged or ends before.
  public func fill(_ target: UnsafeMutableRawBufferPointer) -> Bool {
    unpack(target) == target.count
  }

  /// Unpacks and forgets some bytes; `false` if the stream is damaged or ends before.
  public func skip(_ count: Int) -> Bool {
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, min(count, 1 << 16)), alignment: 16)
    defer { scratch.deallocate() }
    var left = count
    while left > 0 {
      let part = min(left, scratch.count)
      guard fill(UnsafeMutableRawBufferPointer(rebasing: scratch[..<part])) else { return false }
      left -= part
    }
    return true
  }

  /// `true` iff nothing follows what was unpacked, neither in the stream nor after it.
  public func isAtEnd() -> Bool {
    var surplus: UInt8 = 0
    return withUnsafeMutableBytes(of: &surplus) { unpack($0) } == 0 && hasEnded && source.isEmpty
  }

  /// Unpacks until `target` is full, the stream ends or is found damaged; the number of bytes.
  private func unpack(_ target: UnsafeMutableRawBufferPointer) -> Int {
    var done = 0
    while done < target.count, !hasEnded {
      let (taken, room) = (
        min(source.count, Self.pieceBytes), min(target.count - done, Self.pieceBytes)
      )
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: source.bindMemory(to: UInt8.self).baseAddress)
      stream.pointee.avail_in = uInt(taken)
      stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress.map { $0 + done }
      stream.pointee.avail_out = uInt(room)
      let result = inflate(stream, Z_NO_FLUSH)
      source = UnsafeRawBufferPointer(
        rebasing: source[(taken - Int(stream.pointee.avail_in))...])
      done += room - Int(stream.pointee.avail_out)
      guard result == Z_OK else {
        hasEnded = result == Z_STREAM_END
        break
      }
    }
    return done
  }
}

/// The CRC-32 that zip uses, of `bytes` after what gave `seed`.
public func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt = 0) -> UInt {
  crc32_z(seed, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
}
