import Diagnostics

/// The header of an `.npy` file.
struct NpyHeader {
  /// What every `.npy` file begins with; then major and minor version, one byte each.
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The longest text of a header that is read; NumPy itself stops at 10000 characters.
  static let maximumLength = 1 << 16
  /// The most dimensions that are read; NumPy's own limit.
  static let maximumRank = 64

  /// The type of the elements.
  var element: NpyElement
  /// The extent of each dimension, outermost first.
  var shape: [Int]
  /// The size of the header in bytes: where the data begins.
  var sizeBytes: Int

  /// Reads the header that `bytes` begin with.
  init(
    parsing bytes: UnsafeRawBufferPointer, at location: Diagnostic.Location
  ) throws(Diagnostic) {
    guard bytes.starts(with: Self.magic) else {
      let isZip = bytes.starts(with: [0x50, 0x4B])
      throw Diagnostic(
        "expected an .npy file, found \(isZip ? "a zip archive" : "something else")", at: location,
        hint: isZip
          ? "an .npz holds several arrays; save the one with numpy.save"
          : "write it with numpy.save(path, array.astype('<f4'))")
    }
    guard bytes.count >= 10 else { throw Self.truncated(location) }
    let start: Int
    let length: Int
    switch bytes[6] {
    case 1:
      start = 10
      length = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
    case 2, 3:
      guard bytes.count >= 12 else { throw Self.truncated(location) }
      start = 12
      length = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    default:
      throw Diagnostic(
        ".npy format version \(bytes[6]).\(bytes[7]) is unknown, expected 1.0, 2.0 or 3.0",
        at: location)
    }
    guard length <= Self.maximumLength else {
      throw Diagnostic(
        "the .npy header is damaged: it has \(length) bytes, expected at most "
          + "\(Self.maximumLength)", at: location)
    }
    guard bytes.count >= start + length else { throw Self.truncated(location) }
    let text = bytes[start..<start + length]
    var parser = LiteralParser(String(decoding: text, as: UTF8.self), location)
    let fields = try parser.dictionary()
    element = try Self.element(fields["descr"], location)
    guard case .boolean(let isFortran) = fields["fortran_order"] else {
      throw LiteralParser.damaged("'fortran_order' is missing or not a truth value", location)
    }
    guard !isFortran else {
      throw Diagnostic(
        "the array is stored in Fortran order, expected C order", at: location,
        hint: "save it with numpy.save(path, numpy.ascontiguousarray(array))")
    }
    guard case .tuple(let shape) = fields["shape"] else {
      throw LiteralParser.damaged("'shape' is missing or not a tuple of numbers", location)
    }
    guard shape.count <= Self.maximumRank else {
      throw LiteralParser.damaged("it has \(shape.count) dimensions", location)
    }
    self.shape = shape
    sizeBytes = start + length
  }

  /// The number of elements; an error if it does not fit in an `Int`.
  func count(at location: Diagnostic.Location) throws(Diagnostic) -> Int {
    if shape.contains(0) { return 0 }
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else {
        let extents = shape.map(String.init).joined(separator: ", ")
        throw LiteralParser.damaged("shape (\(extents)) overflows", location)
      }
      count = product
    }
    return count
  }

  /// Refuses an array whose data has not as many bytes as its shape says.
  func check(dataBytes: Int, at location: Diagnostic.Location) throws(Diagnostic) {
    let (expected, overflow) = try count(at: location).multipliedReportingOverflow(
      by: element.sizeBytes)
    guard overflow || expected != dataBytes else { return }
    let extents = shape.map(String.init).joined(separator: ", ")
    let needed = overflow ? "more bytes than there is memory" : "\(expected) bytes"
    throw Diagnostic(
      dataBytes < expected || overflow
        ? "the array is truncated: found \(dataBytes) bytes of data, "
          + "expected \(needed) for shape (\(extents))"
        : "found \(dataBytes - expected) bytes after the array, "
          + "expected \(needed) of data for shape (\(extents))",
      at: location)
  }

  /// The element type that `descr` names.
  private static func element(
    _ value: LiteralParser.Value?, _ location: Diagnostic.Location
  ) throws(Diagnostic) -> NpyElement {
    switch value {
    case .string(let name):
      // One byte has no order: NumPy writes '|', others '<'.
      let isByte = name == "<u1" || name == "<i1" || name == "<V2"
      if let element = NpyElement(rawValue: isByte ? "|" + name.dropFirst() : name) {
        return element
      }
      let expected = NpyElement.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      let kind =
        name.contains("O")
        ? "Python objects ('\(name)')"
        : name.hasPrefix(">") ? "big-endian numbers ('\(name)')" : "'\(name)'"
      throw Diagnostic(
        "the array holds \(kind), expected one of \(expected)", at: location,
        hint: "save it with numpy.save(path, array.astype('<f4'))")
    case .list:
      throw Diagnostic(
        "the array holds records of several fields, expected plain numbers", at: location,
        hint: "save one field: numpy.save(path, array['field'].astype('<f4'))")
    case .boolean, .tuple, nil:
      throw LiteralParser.damaged("'descr' is missing or not an element type", location)
    }
  }

  private static func truncated(_ location: Diagnostic.Location) -> Diagnostic {
    Diagnostic("the .npy header is truncated", at: location)
  }
}
