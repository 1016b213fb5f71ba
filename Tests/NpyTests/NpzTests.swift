import Diagnostics
import Foundation
import Npy
import Testing

/// `.npz` archives, read and written.
@Suite struct NpzTests {
  /// The diagnostic that opening an archive of these bytes and reading all of it gives.
  func refusal(_ bytes: [UInt8]) throws -> Diagnostic {
    try withFolder { folder in
      let path = folder + "/a.npz"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return try diagnostic { () throws(Diagnostic) in
        let archive = try NpzArchive(path: path)
        for name in archive.names { _ = try archive.read(name) }
      }
    }
  }

  /// Where these bytes first occur, from `start` on.
  func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int = 0) throws -> Int {
    try #require(
      (start...bytes.count - pattern.count).first { bytes[$0...].starts(with: pattern) })
  }

  /// Where the directory entry of the archive's first array begins.
  func directory(_ bytes: [UInt8]) throws -> Int { try find([0x50, 0x4B, 1, 2], in: bytes) }

  @Test(arguments: ["stored.npz", "deflated.npz"])
  func readsNumPy(_ name: String) throws {
    let archive = try NpzArchive(path: fixture(name))
    #expect(archive.names == ["images", "logits", "labels"])
    #expect(archive.contains("labels"))
    #expect(!archive.contains("label"))
    #expect(
      try archive.read("images") == NpyArray(shape: [2, 3], values: [0, 1, 2, 3, 100, 127]))
    #expect(try archive.read("labels") == NpyArray(shape: [2], values: [3, 4]))
    let logits = try archive.read("logits")
    #expect(logits.values == (0..<500).map { Float($0 % 7) })
  }

  @Test func roundTrip() throws {
    try withFolder { folder in
      let path = folder + "/a.npz"
      let arrays = [
        ("x", NpyArray(shape: [2, 2], values: [1, 2, 3, 4])),
        ("y", NpyArray(shape: [], values: [5])),
        ("tête/é", NpyArray(shape: [0], values: [])),
      ]
      try NpzArchive.write(path, arrays)
      let archive = try NpzArchive(path: path)
      #expect(archive.names == arrays.map(\.0))
      for (name, array) in arrays { #expect(try archive.read(name) == array) }
      let first = try bytes(of: path)
      try NpzArchive.write(path, arrays)
      #expect(try bytes(of: path) == first)
    }
  }

  @Test func anEmptyArchive() throws {
    try withFolder { folder in
      let path = folder + "/a.npz"
      try NpzArchive.write(path, [])
      let archive = try NpzArchive(path: path)
      #expect(archive.names == [])
      let error = try diagnostic { () throws(Diagnostic) in try archive.read("x") }
      #expect(error.notes == ["it has no arrays at all"])
    }
  }

  @Test(.enabled(if: hasNumPy, "python3 with numpy is not installed"))
  func numPyReadsWhatIsWritten() throws {
    try withFolder { folder in
      let path = folder + "/a.npz"
      try NpzArchive.write(
        path,
        [
          ("x", NpyArray(shape: [2, 2], values: [1, 2, 3, 4])),
          ("tête", NpyArray(shape: [], values: [5])),
        ])
      let script =
        "import numpy, sys; a = numpy.load(sys.argv[1]); "
        + "assert list(a) == ['x', 'tête'] and a['x'].tolist() == [[1, 2], [3, 4]]; "
        + "assert a['x'].dtype == '<f4' and a['tête'].item() == 5; "
        + "import zipfile; assert zipfile.ZipFile(sys.argv[1]).testzip() is None"
      #expect(try runPython([script, path]) == 0)
    }
  }

  @Test func anUnknownName() throws {
    let archive = try NpzArchive(path: fixture("stored.npz"))
    let error = try diagnostic { () throws(Diagnostic) in try archive.read("logit") }
    #expect(error.message == "the archive has no such array")
    #expect(error.location == .tensor("logit", file: fixture("stored.npz")))
    #expect(error.hint == "did you mean 'logits'?")
  }

  @Test func otherFiles() throws {
    #expect(
      try refusal(Array("hello".utf8)).message == "expected an .npz archive, found something else")
    #expect(
      try refusal(try bytes(of: fixture("f4.npy"))).message
        == "expected an .npz archive, found an .npy file")
    #expect(try refusal([]).message == "the file is empty")
  }

  @Test(arguments: ["stored.npz", "deflated.npz"])
  func everyTruncationIsReported(_ name: String) throws {
    let whole = try bytes(of: fixture(name))
    for length in stride(from: 4, to: whole.count, by: 61) {
      let error = try refusal(Array(whole[..<length]))
      #expect(error.message == "the archive is truncated: the directory at its end is missing")
    }
  }

  @Test func damagedData() throws {
    var stored = try bytes(of: fixture("stored.npz"))
    let data = try find(Array("NUMPY".utf8), in: stored)
    stored[data + 130] ^= 1
    #expect(
      try refusal(stored).message == "the archive is damaged: the checksum of the array is wrong")
    var deflated = try bytes(of: fixture("deflated.npz"))
    for index in 70..<90 { deflated[index] = 0xFF }
    #expect(try refusal(deflated).message.hasPrefix("the compressed data is damaged, or has not"))
  }

  @Test func bombs() throws {
    let whole = try bytes(of: fixture("deflated.npz"))
    let entry = try directory(whole)
    // Unpacked size, at 24: more than deflate can pack so.
    var bomb = whole
    bomb.replaceSubrange(entry + 24..<entry + 28, with: little(UInt32(0xFFFF_FFF0)))
    #expect(try refusal(bomb).message.hasSuffix("cannot unpack to 4294967280"))
    // The stream unpacks to more than the directory says; to less; the header says so too.
    for (size, message) in [
      (100, "the .npy header is truncated"),
      (150, "the array is truncated: found 22 bytes of data, expected 24 bytes for shape (2, 3)"),
      (200, "the compressed data is damaged, or has not the 200 bytes that it should"),
      // More than a header may have, so that it is unpacked without the end.
      (70_000, "the compressed data is damaged, or has not the 70000 bytes that it should"),
    ] as [(UInt32, String)] {
      bomb.replaceSubrange(entry + 24..<entry + 28, with: little(size))
      #expect(try refusal(bomb).message == message)
    }
    // A stored array of two sizes.
    var stored = try bytes(of: fixture("stored.npz"))
    let first = try directory(stored)
    stored.replaceSubrange(first + 24..<first + 28, with: little(UInt32(1)))
    #expect(try refusal(stored).message == "the archive is damaged: 152 bytes cannot unpack to 1")
  }

  /// A file of 39 kB that unpacks to 40 MB is read where header and directory agree.
  @Test func claimsThatAgree() throws {
    let whole = try bytes(of: fixture("bomb.npz"))
    let archive = try NpzArchive(path: fixture("bomb.npz"))
    #expect(whole.count < 40_000)
    #expect(try archive.type(of: "zeros").shape == [2500, 4000])
    #expect(try archive.read("zeros", elements: 9_999_000..<10_000_000).allSatisfy { $0 == 0 })
    // The directory's word counts as little as the header's.
    var bomb = whole
    let entry = try directory(whole)
    bomb.replaceSubrange(entry + 24..<entry + 28, with: little(UInt32(20_000_128)))
    #expect(
      try refusal(bomb).message
        == "the array is truncated: found 20000000 bytes of data, expected 40000000 bytes "
        + "for shape (2500, 4000)")
  }

  @Test func readsTypesAndParts() throws {
    for name in ["stored.npz", "deflated.npz"] {
      let archive = try NpzArchive(path: fixture(name))
      let type = try archive.type(of: "logits")
      #expect(type.element == .float64 && type.shape == [500])
      #expect(try archive.read("logits", elements: 498..<500) == [1, 2])
      #expect(try archive.read("logits", elements: 3..<3) == [])
      #expect(archive.otherMembers == [])
    }
  }

  @Test func hostileDirectories() throws {
    let whole = try bytes(of: fixture("stored.npz"))
    let entry = try directory(whole)
    func changed(_ offset: Int, _ value: [UInt8]) -> [UInt8] {
      var bytes = whole
      bytes.replaceSubrange(entry + offset..<entry + offset + value.count, with: value)
      return bytes
    }
    #expect(try refusal(changed(8, [1, 0])).message == "'images.npy' in the archive is encrypted")
    #expect(
      try refusal(changed(10, [14, 0])).message
        == "'images.npy' in the archive is compressed by method 14, "
        + "expected 0 (stored) or 8 (deflate)"
    )
    #expect(
      try refusal(changed(20, little(UInt32(0x7FFF_FFFF)) + little(UInt32(0x7FFF_FFFF)))).message
        .hasPrefix("the archive is truncated or damaged: the array takes 2147483647 bytes of it"))
    #expect(
      try refusal(changed(24, little(UInt32.max))).message
        == "the archive is damaged: the 64-bit sizes of 'images.npy' are missing")
    #expect(
      try refusal(changed(42, little(UInt32(0x7FFF_FFFF)))).message
        == "the archive is damaged: the array is not where it should be")
    #expect(
      try refusal(changed(0, [0])).message
        == "the archive is damaged: its directory is not where its end says")
    #expect(
      try refusal(changed(28, [0xFF, 0xFF])).message
        == "the archive is damaged: entry 0 of its directory is cut off")
    // "images" becomes "logits" in the directory.
    #expect(
      try refusal(changed(46, Array("logits".utf8))).message
        == "the archive is damaged: it has two entries 'logits'")
    var counted = whole
    counted.replaceSubrange(whole.count - 12..<whole.count - 10, with: [0xFF, 0xFF])
    #expect(
      try refusal(counted).message == "the archive is damaged: its 64-bit end locator is missing")
  }

  @Test func anArrayBeyondTheLimit() throws {
    try withFolder { folder in
      let path = folder + "/a.npz"
      try NpzArchive.write(path, [("x", NpyArray(shape: [1], values: [1]))])
      var archive = try bytes(of: path)
      // The 64-bit unpacked size: after the 46 bytes, the name and 4 bytes of the extra field.
      let size = try directory(archive) + 46 + 5 + 4
      archive.replaceSubrange(size..<size + 8, with: little(UInt64(1) << 40))
      #expect(
        try refusal(archive).message
          == "the array is too large: 1099511627776 bytes, expected at most 8589934592")
      archive.replaceSubrange(size..<size + 8, with: little(UInt64.max))
      #expect(
        try refusal(archive).message
          == "the archive is damaged: the 64-bit sizes of 'x.npy' are missing")
    }
  }

  @Test func noDamageCrashes() throws {
    // Every byte replaced: arrays or a diagnostic, never a crash.
    for name in ["stored.npz", "deflated.npz"] {
      let whole = try bytes(of: fixture(name))
      for index in stride(from: 0, to: whole.count, by: 5) {
        var damaged = whole
        damaged[index] ^= UInt8(truncatingIfNeeded: 0x5A &+ index)
        if let error = try? refusal(damaged) { #expect(!error.message.isEmpty) }
      }
    }
  }

  @Test func twoOfOneName() throws {
    try withFolder { folder in
      let path = folder + "/a.npz"
      let array = NpyArray(shape: [], values: [1])
      let error = try diagnostic { () throws(Diagnostic) in
        try NpzArchive.write(path, [("x", array), ("x", array)])
      }
      #expect(error.message == "cannot write two arrays of one name, 'x'")
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }
}

/// Runs `python3 -c` with these arguments; its exit code.
func runPython(_ arguments: [String]) throws -> Int32 {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  let python = ProcessInfo.processInfo.environment["VITC_PYTHON"] ?? "python3"
  process.arguments = [python, "-c"] + arguments
  process.standardError = FileHandle.nullDevice
  try process.run()
  process.waitUntilExit()
  return process.terminationStatus
}

/// Whether Python with NumPy can be run.
let hasNumPy = (try? runPython(["import numpy"])) == 0
