/// Why some bytes are not JSON, and where: a byte offset from their beginning.
public struct JSONError: Error, Hashable {
  /// What was found, such as `duplicate key 'a'`.
  public var message: String
  /// The offset of the byte at which it was found.
  public var offset: Int

  /// Describes an error at an offset.
  public init(message: String, offset: Int) {
    self.message = message
    self.offset = offset
  }

  /// The line and the column of the offset, both from 1; columns count bytes.
  public func position(in bytes: [UInt8]) -> (line: Int, column: Int) {
    var line = 1
    var start = 0
    for (index, byte) in bytes.prefix(offset).enumerated() where byte == UInt8(ascii: "\n") {
      line += 1
      start = index + 1
    }
    return (line, offset - start + 1)
  }
}
