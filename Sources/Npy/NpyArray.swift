import Diagnostics
import Files

/// An array of numbers, as NumPy stores it: a shape, and the values as `Float`, row-major.
public struct NpyArray: Hashable, Sendable {
  /// The extent of each dimension, outermost first; `[]` for a single number.
  public let shape: [Int]
  /// The values, row-major: as many as the product of `shape`.
  public let values: [Float]

  /// Creates an array of at most 64 dimensions (NumPy's limit); `values` must have as many elements
  /// as `shape` says.
  public init(shape: [Int], values: [Float]) {
    // With a 0 among them, the product of the other extents may be too large for an Int.
    let count = shape.contains(0) ? 0 : shape.reduce(1, *)
    precondition(
      shape.allSatisfy { $0 >= 0 } && values.count == count
        && shape.count <= NpyHeader.maximumRank,
      "array of \(shape) with \(values.count) values")
    self.shape = shape
    self.values = values
  }

  /// Reads a `.npy` file of format version 1, 2 or 3.
  ///
  /// Element types: `<f4` as it is; `<f2`, `|V2` (as bfloat16), `|u1` and `|i1` exactly; `<f8`,
  /// `<i4` and `<i8` rounded to the nearest `Float`.
  ///
  /// Errors, all at `.file(path)`: what ``MappedFile`` reports; not an `.npy` file; a damaged
  /// header; another element type (big-endian, complex, structured and object arrays among them);
  /// Fortran order; fewer or more bytes than the header says.
  public init(path: String) throws(Diagnostic) {
    let file = try MappedFile(path)
    self = try file.withUnsafeBytes { (bytes) throws(Diagnostic) in
      try NpyArray(parsing: bytes, at: .file(path))
    }
  }

  /// Reads an `.npy` file in memory; errors are at `location`.
  public init(
    parsing bytes: UnsafeRawBufferPointer, at location: Diagnostic.Location
  ) throws(Diagnostic) {
    let header = try NpyHeader(parsing: bytes, at: location)
    let data = UnsafeRawBufferPointer(rebasing: bytes[header.sizeBytes...])
    let count = try header.count(at: location)
    try header.check(dataBytes: data.count, at: location)
    self.init(shape: header.shape, values: header.element.floats(data, count: count))
  }

  /// Writes an `.npy` file: version 1, `<f4`, C order.
  ///
  /// Errors: what ``AtomicFile`` reports; a failure leaves no file, or the old one.
  public func write(to path: String) throws(Diagnostic) {
    try AtomicFile.write(path: path) { (file: inout OutputFile) throws(Diagnostic) in
      try file.append(header)
      try file.append(values)
    }
  }

  /// The bytes before the values.
  var header: [UInt8] { NpyHeader.text(shape: shape.map(String.init)) }

  /// The bytes of an `.npy` file of doubles: version 1, `<f8`, C order.
  ///
  /// - Precondition: There are as many elements as `shape` says.
  public static func bytes(shape: [Int], doubles: [Double]) -> [UInt8] {
    precondition(doubles.count == shape.reduce(1, *), "array of \(shape) with \(doubles.count)")
    let header = NpyHeader.text(
      type: NpyElement.float64.rawValue, shape: shape.map(String.init))
    return doubles.withUnsafeBytes { header + Array($0) }
  }
}
