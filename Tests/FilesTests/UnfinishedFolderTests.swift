import Diagnostics
import Foundation
import Testing

@testable import Files

/// A folder that is made file by file.
@Suite struct UnfinishedFolderTests {
  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func `is there when it is finished`() throws {
    try withFolder { folder in
      let unfinished = try UnfinishedFolder(path: folder + "/new")
      try unfinished.add("a", [1])
      #expect(!FileManager.default.fileExists(atPath: folder + "/new"))
      try unfinished.add("b", [2])
      try unfinished.finish()
      #expect(try names(in: folder + "/new") == ["a", "b"])
      #expect(try names(in: folder) == ["new"])
    }
  }

  @Test func `leaves nothing when it is not`() throws {
    try withFolder { folder in
      do {
        let unfinished = try UnfinishedFolder(path: folder + "/new")
        try unfinished.add("a", [1])
        #expect(try names(in: folder).count == 1)
      }
      #expect(try names(in: folder).isEmpty)
    }
  }

  @Test func `has no two files of one name`() throws {
    try withFolder { folder in
      let unfinished = try UnfinishedFolder(path: folder + "/new")
      try unfinished.add("a", [1])
      #expect(throws: Diagnostic.self) { try unfinished.add("a", [2]) }
      try unfinished.finish()
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/new/a")) == Data([1]))
    }
  }

  /// Somebody was faster.
  @Test func `takes no place that was taken meanwhile`() throws {
    try withFolder { folder in
      do {
        let unfinished = try UnfinishedFolder(path: folder + "/new")
        try unfinished.add("a", [1])
        try FileManager.default.createDirectory(
          atPath: folder + "/new", withIntermediateDirectories: false)
        try Data().write(to: URL(fileURLWithPath: folder + "/new/x"))
        #expect(throws: Diagnostic.self) { try unfinished.finish() }
      }
      #expect(try names(in: folder) == ["new"])
      #expect(try names(in: folder + "/new") == ["x"])
    }
  }
}
