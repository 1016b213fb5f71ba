import Files
import Foundation
import Testing

/// Paths as texts and on the disk.
@Suite struct PathTests {
  @Test(arguments: [
    ("a", "a", "", "", "a"), ("a/b", "b", "a", "", "a/b"), ("/a", "a", "/", "", "/a"),
    ("/a/b", "b", "/a", "", "/a/b"), ("a/b/", "b", "a", "", "a/b"), ("a/b//", "b", "a", "", "a/b"),
    ("/", "/", "/", "", "/"), ("", "", "", "", ""), ("a.b", "a.b", "", "b", "a"),
    ("a/b.c", "b.c", "a", "c", "a/b"), ("a.b/c", "c", "a.b", "", "a.b/c"),
    (".a", ".a", "", "", ".a"),
    ("a/.b", ".b", "a", "", "a/.b"), ("a.", "a.", "", "", "a."), ("a.b.c", "a.b.c", "", "c", "a.b"),
    ("a/b.tar.gz", "b.tar.gz", "a", "gz", "a/b.tar"), ("./a", "a", ".", "", "./a"),
    ("a b/c d.e", "c d.e", "a b", "e", "a b/c d"), ("ä/ö.ü", "ö.ü", "ä", "ü", "ä/ö"),
    ("a.b/", "a.b", "", "b", "a"), (".a.b", ".a.b", "", "b", ".a"),
  ])
  func namesFoldersAndSuffixes(
    path: String, name: String, folder: String, suffix: String, stem: String
  ) {
    #expect(Path.name(of: path) == name)
    #expect(Path.folder(of: path) == folder)
    #expect(Path.suffix(of: path) == suffix)
    #expect(Path.withoutSuffix(path) == stem)
  }

  @Test(arguments: [
    ("a", "a/x"), ("a/", "a/x"), ("/", "/x"), ("", "x"), ("a/b//", "a/b/x"), (".", "./x"),
  ])
  func joining(folder: String, joined: String) {
    #expect(Path.joining(folder, "x") == joined)
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
