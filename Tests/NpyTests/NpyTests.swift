import Diagnostics
import Foundation
import Npy
import Testing

/// `.npy` files, read and written.
@Suite struct NpyTests {
  let location = Diagnostic.Location.file("x.npy")

  func parse(_ bytes: [UInt8]) throws(Diagnostic) -> NpyArray {
    try bytes.withUnsafeBytes { buffer in
      Result { () throws(Diagnostic) in try NpyArray(parsing: buffer, at: location) }
    }.get()
  }

  /// An `.npy` file of this header text.
  func file(_ header: String, data: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
    let length =
      version == 1 ? little(UInt16(header.utf8.count)) : little(UInt32(header.utf8.count))
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + data
  }

  /// A header of `<f4` numbers of this shape.
  func header(shape: String) -> String {
    "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }\n"
  }

  func message(_ bytes: [UInt8]) throws -> String {
    let error = try diagnostic { () throws(Diagnostic) in try parse(bytes) }
    #expect(error.location == location)
    return error.message
  }

  @Test(arguments: ["f2", "f4", "f8", "i1", "u1", "i4", "i8", "version2", "version3"])
  func elementTypesAndVersions(_ name: String) throws {
    let array = try NpyArray(path: fixture(name + ".npy"))
    #expect(array == NpyArray(shape: [2, 3], values: [0, 1, 2, 3, 100, 127]))
  }

  @Test func shapes() throws {
    #expect(try NpyArray(path: fixture("scalar.npy")) == NpyArray(shape: [], values: [2.5]))
    #expect(try NpyArray(path: fixture("vector.npy")) == NpyArray(shape: [2], values: [1.5, -2]))
    #expect(try NpyArray(path: fixture("empty.npy")) == NpyArray(shape: [0, 3], values: []))
    // Zero elements, although the other extents overflow.
    let hostile = try parse(file(header(shape: "(4611686018427387904, 8, 0)")))
    #expect(hostile.values.isEmpty)
  }

  @Test(arguments: ["f4", "scalar", "vector", "empty"])
  func writingGivesTheBytesOfNumPy(_ name: String) throws {
    try withFolder { folder in
      let path = fixture(name + ".npy")
      let copy = folder + "/copy.npy"
      try NpyArray(path: path).write(to: copy)
      // The dictionary is equal but for NumPy's larger padding in some versions.
      let written = try bytes(of: copy)
      #expect(try NpyArray(path: copy) == NpyArray(path: path))
      #expect(
        Int(written[8]) + 256 * Int(written[9]) + 10 == written.firstIndex(of: 0x0A).map { $0 + 1 })
      #expect((Int(written[8]) + 10) % 64 == 0)
      let text = String(decoding: written.dropFirst(10).prefix { $0 != 0x0A }, as: UTF8.self)
      let theirs = String(
        decoding: try bytes(of: path).dropFirst(10).prefix { $0 != 0x0A }, as: UTF8.self)
      #expect(
        text.trimmingCharacters(in: .whitespaces) == theirs.trimmingCharacters(in: .whitespaces))
    }
  }

  @Test func specialValuesSurvive() throws {
    try withFolder { folder in
      let values: [Float] = [.nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude]
      try NpyArray(shape: [5], values: values).write(to: folder + "/a.npy")
      let read = try NpyArray(path: folder + "/a.npy").values
      #expect(read.map(\.bitPattern) == values.map(\.bitPattern))
    }
  }

  @Test(arguments: [
    ("fortran", "the array is stored in Fortran order, expected C order"),
    (
      "big_endian",
      "the array holds big-endian numbers ('>f4'), expected one of "
        + "'<f2', '<f4', '<f8', '|i1', '|u1', '<i4', '<i8', '|V2'"
    ),
    (
      "complex",
      "the array holds '<c8', expected one of "
        + "'<f2', '<f4', '<f8', '|i1', '|u1', '<i4', '<i8', '|V2'"
    ),
    (
      "objects",
      "the array holds Python objects ('|O'), expected one of "
        + "'<f2', '<f4', '<f8', '|i1', '|u1', '<i4', '<i8', '|V2'"
    ),
    ("records", "the array holds records of several fields, expected plain numbers"),
  ])
  func otherArraysAreRefused(_ name: String, _ message: String) throws {
    let path = fixture(name + ".npy")
    let error = try diagnostic { () throws(Diagnostic) in try NpyArray(path: path) }
    #expect(error.message == message)
    #expect(error.location == .file(path))
    #expect(error.hint != nil)
  }

  @Test func otherFilesAreRefused() throws {
    #expect(try message(Array("hello".utf8)) == "expected an .npy file, found something else")
    #expect(try message([0x50, 0x4B, 3, 4]) == "expected an .npy file, found a zip archive")
    #expect(
      try message(file("{}", version: 9))
        == ".npy format version 9.0 is unknown, expected 1.0, 2.0 or 3.0")
    let missing = try diagnostic { () throws(Diagnostic) in try NpyArray(path: "no/such.npy") }
    #expect(missing.message == "cannot open the file: no such file or directory")
  }

  @Test func truncationAndSurplus() throws {
    let whole = try bytes(of: fixture("f4.npy"))
    for length in stride(from: 6, to: 128, by: 5) {
      #expect(try message(Array(whole[..<length])) == "the .npy header is truncated")
    }
    #expect(
      try message(Array(whole.dropLast(3)))
        == "the array is truncated: found 21 bytes of data, expected 24 bytes for shape (2, 3)")
    #expect(
      try message(whole + [0, 0])
        == "found 2 bytes after the array, expected 24 bytes of data for shape (2, 3)")
  }

  @Test(arguments: [
    ("(4611686018427387904, 8)", "shape (4611686018427387904, 8) overflows"),
    ("(99999999999999999999999,)", "expected an extent at byte 51"),
    ("(-1,)", "expected an extent at byte 51"),
    ("(1.5,)", "expected ')' at byte 52"),
    ("7", "unexpected text at byte 50"),
    ("True", "'shape' is missing or not a tuple of numbers"),
    ("(1,", "expected an extent at byte 53"),
    ("(1), 'shape': (1)", "'shape' is given twice"),
    ("(1)} {", "text follows the dictionary"),
    ("(\(String(repeating: "1,", count: 65)))", "it has 65 dimensions"),
    ("'x", "a string at byte 50 does not end"),
    ("[[[[", "a list does not end"),
  ])
  func hostileShapes(_ shape: String, _ reason: String) throws {
    #expect(
      try message(file(header(shape: shape), data: [0, 0, 0, 0]))
        == "the .npy header is damaged: \(reason)")
  }

  @Test func shapesBeyondMemory() throws {
    #expect(
      try message(file(header(shape: "(4611686018427387904,)")))
        == "the array is truncated: found 0 bytes of data, expected more bytes than there is "
        + "memory for shape (4611686018427387904)")
    #expect(
      try message(file(header(shape: "(1000000000000,)")))
        == "the array is truncated: found 0 bytes of data, expected 4000000000000 bytes "
        + "for shape (1000000000000)")
  }

  @Test(arguments: [
    ("", "expected '{' at byte 0"),
    ("{'descr': 4", "unexpected text at byte 10"),
    ("{'shape': (), 'fortran_order': False}", "'descr' is missing or not an element type"),
    ("{'shape': (), 'descr': '<f4'}", "'fortran_order' is missing or not a truth value"),
    ("{'descr': '<f4', 'fortran_order': False}", "'shape' is missing or not a tuple of numbers"),
    ("{descr: 1}", "expected a string at byte 1"),
    ("{'descr' '<f4'}", "expected ':' at byte 9"),
  ])
  func hostileHeaders(_ header: String, _ reason: String) throws {
    #expect(try message(file(header)) == "the .npy header is damaged: \(reason)")
  }

  @Test func aHugeHeaderIsRefused() throws {
    let start = [0x93] + Array("NUMPY".utf8) + [2, 0] + little(UInt32.max)
    #expect(
      try message(start)
        == "the .npy header is damaged: it has 4294967295 bytes, expected at most 65536")
  }

  @Test func writingIntoNowhere() throws {
    let error = try diagnostic { () throws(Diagnostic) in
      try NpyArray(shape: [], values: [1]).write(to: "no/such/folder/a.npy")
    }
    #expect(error.message == "cannot create the file: no such file or directory")
    #expect(error.hint == "create the folder 'no/such/folder/' first")
  }
}
