import Files
import Foundation
import Testing

/// Paths as texts, held to Foundation's.
@Suite struct PathTests {
  static let paths = [
    "a", "a/b", "/a", "/a/b", "a/b/", "a/b//", "/", "", "a.b", "a/b.c", "a.b/c", ".a", "a/.b",
    "a.", "a.b.c", "a/b.tar.gz", "..", "a/..", "./a", "a b/c d.e", "ä/ö.ü", "a.b/", ".", ".a.b",
  ]

  @Test(arguments: paths) func namesFoldersAndSuffixes(path: String) {
    let expected = path as NSString
    #expect(Path.name(of: path) == expected.lastPathComponent)
    #expect(Path.folder(of: path) == expected.deletingLastPathComponent)
    #expect(Path.suffix(of: path) == expected.pathExtension)
    #expect(Path.withoutSuffix(path) == expected.deletingPathExtension)
    #expect(Path.joining(path, "x.y") == expected.appendingPathComponent("x.y"))
  }

  @Test func kinds() throws {
    try withFolder { folder in
      try AtomicFile.write(path: folder + "/a", contents: [1])
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/to-folder", withDestinationPath: folder)
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/to-nothing", withDestinationPath: folder + "/none")
      #expect(Path.kind(of: folder) == .folder && Path.kind(of: folder + "/to-folder") == .folder)
      #expect(Path.kind(of: folder + "/a") == .other && Path.exists(folder + "/a"))
      #expect(Path.kind(of: folder + "/to-nothing") == nil && !Path.exists(folder + "/none"))
    }
  }
}
