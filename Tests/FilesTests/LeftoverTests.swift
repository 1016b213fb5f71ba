import Diagnostics
import Foundation
import Testing

@testable import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What killed processes left is removed; what is another's, or in use, is not.
@Suite struct LeftoverTests {
  private func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func write(_ path: String) throws {
    try Data("x".utf8).write(to: URL(fileURLWithPath: path))
  }

  @Test func thoseOfTheDeadGo() throws {
    try withFolder { folder in
      for name in [".vitc-abcdef", ".vitc-AB12cd"] {
        #expect(mkdir("\(folder)/\(name)", 0o700) == 0)
        for file in [Leftovers.lockName, "weights", "model0.o"] {
          try write("\(folder)/\(name)/\(file)")
        }
      }
      // Killed between two calls.
      #expect(mkdir(folder + "/.vitc-empty0", 0o700) == 0)
      try write(folder + "/" + Leftovers.filePrefix + "1z")
      Leftovers.remove(in: folder)
      #expect(try names(in: folder) == [])
    }
  }

  @Test func thoseOfTheLivingStay() throws {
    try withFolder { folder in
      let made = try #require(Leftovers.makeFolder(in: folder))
      try write(made.path + "/weights")
      Leftovers.remove(in: folder)
      #expect(try names(in: made.path) == [Leftovers.lockName, "weights"].sorted())
      try AtomicFile.write(path: folder + "/a") { (file: inout OutputFile) throws(Diagnostic) in
        try file.append([1, 2] as [UInt8])
        Leftovers.remove(in: folder)
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/a")) == Data([1, 2]))
      // Its process ends.
      close(made.lock)
      Leftovers.remove(in: folder)
      Unfinished.forget(made.path)
      #expect(try names(in: folder) == ["a"])
    }
  }

  @Test func thoseOfOthersStay() throws {
    try withFolder { folder in
      for name in [".vitc-config", ".vitc-data", ".vitc-longer-name", "vitc-abcdef"] {
        #expect(mkdir("\(folder)/\(name)", 0o700) == 0)
        try write("\(folder)/\(name)/notes")
      }
      try write(folder + "/.vitc-abcde1")
      #expect(symlink("vitc-abcdef", folder + "/.vitc-linked") == 0)
      #expect(mkfifo(folder + "/" + Leftovers.filePrefix + "pipe", 0o600) == 0)
      #expect(symlink("vitc-abcdef/notes", folder + "/" + Leftovers.filePrefix + "link") == 0)
      let before = try names(in: folder)
      Leftovers.remove(in: folder)
      #expect(try names(in: folder) == before)
      #expect(try names(in: folder + "/vitc-abcdef") == ["notes"])
    }
  }

  /// Makers and removers in one folder, as many compilations at once: no maker loses its folder.
  @Test func noMakerLosesItsFolder() throws {
    try withFolder { folder in
      let failures = LockedCount()
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        for _ in 0..<100 {
          Leftovers.remove(in: folder)
          guard let made = Leftovers.makeFolder(in: folder) else {
            failures.increment()
            continue
          }
          let file = open(made.path + "/file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
          Leftovers.remove(in: folder)
          if file < 0 || access(made.path + "/file", F_OK) != 0 { failures.increment() }
          if file >= 0 { close(file) }
          unlink(made.path + "/file")
          unlink(made.path + "/" + Leftovers.lockName)
          rmdir(made.path)
          close(made.lock)
          Unfinished.forget(made.path)
        }
      }
      let left = try names(in: folder)
      #expect(failures.count == 0)
      #expect(left == [])
    }
  }
}

/// A count that threads share.
private final class LockedCount: @unchecked Sendable {
  private let lock = NSLock()
  private var value = 0

  var count: Int { lock.withLock { value } }
  func increment() { lock.withLock { value += 1 } }
}
