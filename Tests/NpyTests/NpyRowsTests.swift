import Diagnostics
import Files
import Foundation
import Npy
import Testing

/// Arrays that grow row by row, and archives of files.
@Suite struct NpyRowsTests {
  @Test func rowsBecomeAnArray() throws {
    try withFolder { folder in
      let path = folder + "/a.npy"
      let rows = try NpyRows(path, shape: [2, 2])
      #expect(try NpyArray(path: path).shape == [0, 2, 2])
      for i in 0..<12 { try rows.append([Float](repeating: Float(i), count: 4)) }
      #expect(rows.count == 12)
      try rows.finish()
      let array = try NpyArray(path: path)
      #expect(array.shape == [12, 2, 2])
      #expect(array.values == (0..<12).flatMap { [Float](repeating: Float($0), count: 4) })
      // As NumPy wants it: values begin at a multiple of 64.
      #expect(try bytes(of: path).count == 12 * 16 + 128)
    }
  }

  /// What follows the rows that are kept is cut off, whether or not the header was finished.
  @Test(arguments: [false, true]) func interruptedFilesGoOn(isFinished: Bool) throws {
    try withFolder { folder in
      let path = folder + "/a.npy"
      var rows: NpyRows? = try NpyRows(path, shape: [3])
      for i in 0..<5 { try rows?.append([Float](repeating: Float(i), count: 3)) }
      if isFinished { try rows?.finish() }
      rows = nil
      let resumed = try NpyRows(path, shape: [3], keeping: 128 + 2 * 12)
      try resumed.append([7, 8, 9])
      try resumed.finish()
      let array = try NpyArray(path: path)
      #expect(array.shape == [3, 3] && array.values == [0, 0, 0, 1, 1, 1, 7, 8, 9])
    }
  }

  @Test func otherFilesAreRefused() throws {
    try withFolder { folder in
      let path = folder + "/a.npy"
      try Data("a text that is long enough to be a header of rows".utf8).write(
        to: URL(fileURLWithPath: path))
      let error = try diagnostic { () throws(Diagnostic) in
        try NpyRows(path, shape: [3], keeping: 128)
      }
      #expect(error.message == "is not a file of such rows that was interrupted")
      try FileManager.default.removeItem(atPath: path)
      _ = try NpyRows(path, shape: [3])
      let short = try diagnostic { () throws(Diagnostic) in
        try NpyRows(path, shape: [3], keeping: 128 + 12)
      }
      #expect(short.message.hasPrefix("has 128 bytes, expected 140 at least"))
    }
  }

  @Test func filesAndTextsMakeAnArchive() throws {
    try withFolder { folder in
      try NpyArray(shape: [2, 1], values: [1, 2]).write(to: folder + "/a.npy")
      let texts = StoredTexts(ScratchSpace(memoryBytes: 8))
      for text in ["ä", "bcd", ""] { try texts.append(text) }
      try NpzArchive.write(
        folder + "/all.npz", members: [("x", .file(folder + "/a.npy")), ("paths", .texts(texts))])
      let archive = try NpzArchive(path: folder + "/all.npz")
      #expect(archive.names == ["x", "paths"])
      #expect(try archive.read("x") == NpyArray(shape: [2, 1], values: [1, 2]))
      let bytes = try bytes(of: folder + "/all.npz")
      let header = Array("'descr': '<U3', 'fortran_order': False, 'shape': (3,)".utf8)
      #expect(bytes.indices.contains { bytes[$0...].starts(with: header) })
      let characters: [UInt8] =
        [0xE4, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [0x62, 0, 0, 0]
      #expect(bytes.indices.contains { bytes[$0...].starts(with: characters) })
    }
  }
}
