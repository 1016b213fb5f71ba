import Diagnostics
import Files
import Foundation
import Testing

/// Files that grow, and walks through folders.
@Suite struct GrowingFileTests {
  private func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.path + "/vitc-growing-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  private func message(_ body: () throws(Diagnostic) -> Void) -> String? {
    do throws(Diagnostic) {
      try body()
      return nil
    } catch {
      return error.message
    }
  }

  @Test func filesGrowAreCutAndRenamed() throws {
    try withFolder { folder in
      let file = try GrowingFile(folder + "/a", .new)
      try file.append([1, 2, 3] as [UInt8])
      try file.append([Float(1)])
      try file.overwrite([9], at: 1)
      #expect(file.count == 7)
      try file.truncate(to: 4)
      try file.append([7] as [UInt8])
      try file.rename(to: folder + "/b")
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/b"))
      #expect(Array(bytes) == [1, 9, 3, 0, 7])
      #expect(!FileManager.default.fileExists(atPath: folder + "/a"))
    }
  }

  @Test func oneProcessWritesAtATime() throws {
    try withFolder { folder in
      let path = folder + "/a"
      let absent = message { () throws(Diagnostic) in _ = try GrowingFile(path, .existing) }
      #expect(absent == "cannot open the file: no such file or directory")
      let file = try GrowingFile(path, .new)
      let busy = message { () throws(Diagnostic) in _ = try GrowingFile(path, .existing) }
      #expect(busy == "another process is writing it")
      let there = message { () throws(Diagnostic) in _ = try GrowingFile(path, .new) }
      #expect(there == "cannot create the file: file exists")
      withExtendedLifetime(file) {}
    }
  }

  /// Links in a circle end; files come before folders, all by name.
  @Test func walksVisitEachFolderOnce() throws {
    try withFolder { folder in
      for name in ["b", "a", "a/z"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      }
      for name in ["x.png", "b/2.png", "b/1.png", "a/z/3.png", "a/0.png"] {
        try Data([1]).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/a/z/up", withDestinationPath: folder)
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/c.png", withDestinationPath: folder + "/a/0.png")
      // In memory, and by a file of names.
      for bytes in [1 << 18, 1] {
        var files: [Substring] = []
        try FolderWalk.visit(folder, ScratchSpace(memoryBytes: bytes)) { entry in
          guard case .file(let path) = entry else {
            Issue.record("\(entry)")
            return
          }
          files.append(path.dropFirst(folder.count + 1))
        }
        #expect(files == ["c.png", "x.png", "a/0.png", "a/z/3.png", "b/1.png", "b/2.png"])
      }
      #expect(FolderWalk.isFolder(folder + "/a") && !FolderWalk.isFolder(folder + "/x.png"))
      let absent = message { () throws(Diagnostic) in
        try FolderWalk.visit(folder + "/none", ScratchSpace()) { _ in }
      }
      #expect(absent == "cannot list the folder: no such file or directory")
    }
  }
}
