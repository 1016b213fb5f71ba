import Diagnostics
import Foundation
import Testing

@testable import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder is there with all its files or not at all.
@Suite struct NewFolderTests {
  private let files: [(name: String, bytes: [UInt8])] = [("a", [1, 2]), ("b.txt", [])]

  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func message(_ body: () throws(Diagnostic) -> Void) -> String? {
    do throws(Diagnostic) {
      try body()
      return nil
    } catch {
      return error.message
    }
  }

  @Test(arguments: ["new", "new/", "./new"]) func `is made with its files`(_ name: String) throws {
    try withFolder { folder in
      let path = "\(folder)/\(name)"
      try NewFolder.write(path: path, files: files)
      #expect(try names(in: folder) == ["new"])
      #expect(try names(in: path) == ["a", "b.txt"])
      #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: path + "/a"))) == [1, 2])
      // What the umask leaves of all.
      let mask = umask(0)
      umask(mask)
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o777 & ~mask)
    }
  }

  @Test func `takes the place of an empty one`() throws {
    try withFolder { folder in
      #expect(mkdir(folder + "/new", 0o777) == 0)
      try NewFolder.write(path: folder + "/new", files: files)
      #expect(try names(in: folder + "/new") == ["a", "b.txt"])
    }
  }

  @Test func `what is there stays`() throws {
    try withFolder { folder in
      #expect(mkdir(folder + "/full", 0o777) == 0)
      try Data().write(to: URL(fileURLWithPath: folder + "/full/x"))
      try Data().write(to: URL(fileURLWithPath: folder + "/file"))
      #expect(symlink("nowhere", folder + "/link") == 0)
      #expect(
        message { () throws(Diagnostic) in
          try NewFolder.write(path: folder + "/full", files: files)
        } == "cannot create the folder: there is one, and it is not empty")
      for name in ["file", "link"] {
        #expect(
          message { () throws(Diagnostic) in
            try NewFolder.write(path: "\(folder)/\(name)", files: files)
          } == "cannot create the folder: there is something else of this name")
      }
      #expect(
        message { () throws(Diagnostic) in
          try NewFolder.write(path: folder + "/none/new", files: files)
        } == "cannot create the folder: no such file or directory")
      #expect(try names(in: folder) == ["file", "full", "link"])
      #expect(try names(in: folder + "/full") == ["x"])
    }
  }

  /// Names that cannot be written stand for a disk that is full.
  @Test func `a failure leaves nothing`() throws {
    try withFolder { folder in
      let broken = files + [("no/such", [3])]
      #expect(
        message { () throws(Diagnostic) in
          try NewFolder.write(path: folder + "/new", files: broken)
        } == "cannot create the file: no such file or directory")
      let left = try names(in: folder)
      #expect(left.isEmpty)
    }
  }
}
