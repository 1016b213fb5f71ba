import CZlib

/// Unpacks a raw deflate stream into exactly `count` bytes.
///
/// Returns `nil` if the stream is damaged or unpacks to another number of bytes. Never takes more
/// memory than `count`.
func inflated(_ data: UnsafeRawBufferPointer, count: Int) -> [UInt8]? {
  var stream = z_stream()
  // -15: no zlib header, the largest window. The macro inflateInit2 is not visible here.
  let state = inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  guard state == Z_OK else { return nil }
  defer { inflateEnd(&stream) }
  var isWhole = false
  // One byte more than promised shows a stream that is longer than it says.
  let bytes = [UInt8](unsafeUninitializedCapacity: count + 1) { output, initialized in
    // zlib counts in 32 bits: both sides go in pieces.
    let piece = 1 << 30
    var source = data.bindMemory(to: UInt8.self)[...]
    var free = output[..<(count + 1)]
    repeat {
      let taken = min(source.count, piece)
      let room = min(free.count, piece)
      stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
      stream.avail_in = uInt(taken)
      stream.next_out = free.baseAddress
      stream.avail_out = uInt(room)
      let result = inflate(&stream, Z_NO_FLUSH)
      source = source.dropFirst(taken - Int(stream.avail_in))
      free = free.dropFirst(room - Int(stream.avail_out))
      guard result == Z_OK else {
        isWhole = result == Z_STREAM_END && source.isEmpty && free.count == 1
        break
      }
    } while !free.isEmpty
    initialized = count + 1 - free.count
  }
  guard isWhole, bytes.count == count else { return nil }
  return bytes
}

/// The CRC-32 that zip uses, of `bytes` behind what gave `seed`.
func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt = 0) -> UInt {
  crc32_z(seed, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
}

extension Slice where Base == UnsafeBufferPointer<UInt8> {
  fileprivate var baseAddress: UnsafePointer<UInt8>? {
    UnsafeBufferPointer(rebasing: self).baseAddress
  }
}

extension Slice where Base == UnsafeMutableBufferPointer<UInt8> {
  fileprivate var baseAddress: UnsafeMutablePointer<UInt8>? {
    UnsafeMutableBufferPointer(rebasing: self).baseAddress
  }
}
