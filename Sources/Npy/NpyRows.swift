import Diagnostics
import Files

/// An `.npy` file of rows of numbers that grows row by row: `[rows] + shape`, `<f4`, C order.
///
/// Between two rows the header says that there are none, until ``finish()``: its size does not
/// depend on their number, so that it can be rewritten.
public final class NpyRows {
  /// The file.
  public let file: GrowingFile
  /// The extents of a row.
  public let shape: [Int]
  /// The number of elements of a row.
  private let elements: Int

  /// Makes a file without rows, or opens one that was interrupted, which keeps `bytes` bytes.
  ///
  /// Errors, at `.file(path)`: what ``GrowingFile`` reports; an existing file whose header is not
  /// that of such rows, or that is shorter than `bytes`.
  public init(_ path: String, shape: [Int], keeping bytes: Int? = nil) throws(Diagnostic) {
    self.shape = shape
    elements = shape.reduce(1, *)
    let header = Self.header(rows: 0, shape)
    guard let bytes else {
      file = try GrowingFile(path, .new)
      try file.append(header)
      return
    }
    file = try GrowingFile(path, .existing)
    let start = try MappedFile(path).withUnsafeBytes { Array($0.prefix(header.count)) }
    // The header of a file that was about to get its name has rows.
    guard start.count == header.count, start[..<10] == header[..<10] else {
      throw Diagnostic("is not a file of such rows that was interrupted", at: .file(path))
    }
    guard bytes >= header.count, bytes <= file.count,
      (bytes - header.count) % (4 * elements) == 0
    else {
      throw Diagnostic(
        "has \(file.count) bytes, expected \(bytes) at least: it is not the file that was "
          + "interrupted", at: .file(path), hint: "remove it and begin again")
    }
    try file.truncate(to: bytes)
    try file.overwrite(header, at: 0)
  }

  /// Appends a row of as many numbers as `shape` says.
  public func append(_ row: [Float]) throws(Diagnostic) {
    precondition(row.count == elements, "a row of \(row.count) numbers, expected \(elements)")
    try file.append(row)
  }

  /// Writes how many rows there are.
  public func finish() throws(Diagnostic) {
    try file.overwrite(Self.header(rows: count, shape), at: 0)
  }

  /// The number of rows.
  public var count: Int { (file.count - Self.header(rows: 0, shape).count) / (4 * elements) }

  /// A header that is as long whatever the number of rows.
  static func header(rows: Int, _ shape: [Int]) -> [UInt8] {
    // 19 digits are the most that an Int has.
    let digits = String(rows)
    let blanks = String(repeating: " ", count: 19 - digits.count)
    return NpyHeader.text(shape: ([digits] + shape.map(String.init)), padding: blanks)
  }
}

extension NpyHeader {
  /// The bytes before the values of an array of `<f4`: padded with spaces so that the values begin
  /// at a multiple of 64, as the format asks.
  static func text(shape: [String], padding blanks: String = "") -> [UInt8] {
    text(type: "<f4", shape: shape, padding: blanks)
  }

  /// The same for any element type.
  static func text(type: String, shape: [String], padding blanks: String = "") -> [UInt8] {
    let extents = shape.joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let text =
      "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }" + blanks
    let unpadded = magic.count + 4 + text.utf8.count + 1
    let padding = (64 - unpadded % 64) % 64
    let length = text.utf8.count + padding + 1
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
      + Array(text.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: padding)
      + [UInt8(ascii: "\n")]
  }
}
