import Diagnostics
import Files
import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Reading by mapping, and writing by renaming.
@Suite struct FilesTests {
  /// The diagnostic that `body` throws; `nil` if it throws none.
  func diagnostic<Value>(_ body: () throws(Diagnostic) -> Value) -> Diagnostic? {
    do throws(Diagnostic) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  /// The names of all files in a folder, hidden ones too.
  func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  func contents(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test func mapsAWrittenFile() throws {
    try withFolder { folder in
      let path = folder + "/a"
      try AtomicFile.write(path: path, contents: [1, 2, 3], durable: true)
      let file = try MappedFile(path)
      #expect(file.path == path)
      #expect(file.count == 3)
      #expect(file.withUnsafeBytes { [UInt8]($0) } == [1, 2, 3])
      #expect(try names(in: folder) == ["a"])
    }
  }

  @Test func pagesCanBeReadAgain() throws {
    try withFolder { folder in
      let contents = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }
      try AtomicFile.write(path: folder + "/a", contents: contents)
      let file = try MappedFile(folder + "/a")
      for part in [0..<70_000, 5..<69_990, 4096..<8192, 100..<200, 7..<7, 70_000..<70_000] {
        file.withUnsafeBytes { file.release(UnsafeRawBufferPointer(rebasing: $0[part])) }
        #expect(file.withUnsafeBytes { [UInt8]($0) } == contents)
      }
    }
  }

  @Test func mappingRefusals() throws {
    try withFolder { folder in
      #expect(
        diagnostic { () throws(Diagnostic) in try MappedFile(folder + "/none") }
          == Diagnostic(
            "cannot open the file: no such file or directory", at: .file(folder + "/none"),
            hint: "check the spelling of the path"))
      #expect(
        diagnostic { () throws(Diagnostic) in try MappedFile(folder) }?.message
          == "expected a file, found a directory")
      try AtomicFile.write(path: folder + "/empty", contents: [])
      #expect(
        diagnostic { () throws(Diagnostic) in try MappedFile(folder + "/empty") }?.message
          == "the file is empty")
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(
        diagnostic { () throws(Diagnostic) in try MappedFile(folder + "/pipe") }?.message
          == "expected a regular file, found a pipe, socket or device")
      #expect(
        diagnostic { () throws(Diagnostic) in try MappedFile("/dev/null") }?.message
          == "expected a regular file, found a pipe, socket or device")
    }
  }

  @Test(.enabled(if: geteuid() != 0, "the superuser may read everything"))
  func unreadable() throws {
    try withFolder { folder in
      try AtomicFile.write(path: folder + "/a", contents: [1])
      chmod(folder + "/a", 0)
      let error = diagnostic { () throws(Diagnostic) in try MappedFile(folder + "/a") }
      #expect(error?.message == "cannot open the file: permission denied")
      chmod(folder, 0o500)
      defer { chmod(folder, 0o700) }
      let refusal = diagnostic { () throws(Diagnostic) in
        try AtomicFile.write(path: folder + "/b", contents: [1])
      }
      #expect(refusal?.message == "cannot create the file: permission denied")
    }
  }

  @Test func replacesAndKeepsPermissionsAndLinks() throws {
    try withFolder { folder in
      let path = folder + "/a"
      try AtomicFile.write(path: path, contents: [1])
      chmod(path, 0o640)
      #expect(symlink("a", folder + "/link") == 0)
      try AtomicFile.write(path: folder + "/link", contents: [2, 3])
      #expect(try contents(path) == [2, 3])
      var status = stat()
      #expect(lstat(folder + "/link", &status) == 0)
      #expect(status.st_mode & S_IFMT == S_IFLNK)
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o640)
      #expect(try names(in: folder) == ["a", "link"])
    }
  }

  @Test func aFailureKeepsTheOldFile() throws {
    try withFolder { folder in
      let path = folder + "/a"
      try AtomicFile.write(path: path, contents: [7])
      let mine = Diagnostic("no more")
      let error = diagnostic { () throws(Diagnostic) in
        try AtomicFile.write(path: path) { (file: inout OutputFile) throws(Diagnostic) in
          try file.append([1, 2] as [UInt8])
          try file.append([1] as [Float])
          #expect(file.count == 6)
          throw mine
        }
      }
      #expect(error == mine)
      #expect(try contents(path) == [7])
      #expect(try names(in: folder) == ["a"])
    }
  }

  @Test func writingRefusals() throws {
    try withFolder { folder in
      #expect(
        diagnostic { () throws(Diagnostic) in
          try AtomicFile.write(path: folder + "/none/a", contents: [1])
        }
          == Diagnostic(
            "cannot create the file: no such file or directory", at: .file(folder + "/none/a"),
            hint: "create the folder '\(folder)/none/' first"))
      #expect(
        diagnostic { () throws(Diagnostic) in
          try AtomicFile.write(path: folder, contents: [1])
        }?.message == "cannot write the file: it is a directory")
      let long = folder + "/" + String(repeating: "x", count: 300)
      #expect(
        diagnostic { () throws(Diagnostic) in
          try AtomicFile.write(path: long, contents: [1])
        }?.message == "cannot put the file in place: file name too long")
      let rest = try names(in: folder)
      #expect(rest.isEmpty)
    }
  }

  @Test func aFullDeviceIsReported() throws {
    let error = diagnostic { () throws(Diagnostic) in
      try AtomicFile.write(path: "/dev/full", contents: [1, 2, 3])
    }
    #expect(
      error
        == Diagnostic(
          "cannot write the file: no space left on device", at: .file("/dev/full"),
          hint: "free some space or choose a folder on another disk"))
    // A device is written, not replaced by a file.
    var status = stat()
    #expect(stat("/dev/full", &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func aFullDiskLeavesNothing() async {
    // In a process of its own, since the limit would hold for all tests.
    await #expect(processExitsWith: .exitCode(42)) {
      exit((try? writeBeyondTheLimit()) ?? 1)
    }
  }
}

/// Writes a file under a limit on file sizes.
///
/// The limit stands for the full disk: it too breaks a write in the middle. Returns 42 if that
/// gives the right message and leaves nothing, else what failed.
private func writeBeyondTheLimit() throws -> Int32 {
  try withFolder { folder in
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit()
    guard getrlimit(limitedFileSize, &limit) == 0 else { return 2 }
    limit.rlim_cur = 1 << 16
    guard setrlimit(limitedFileSize, &limit) == 0 else { return 3 }
    do throws(Diagnostic) {
      try AtomicFile.write(path: folder + "/a", contents: Array(repeating: 1, count: 100_000))
      return 4
    } catch {
      guard error.message == "cannot write the file: file too large" else { return 5 }
    }
    let rest = try FileManager.default.contentsOfDirectory(atPath: folder)
    return rest.isEmpty ? 42 : 6
  }
}

#if canImport(Glibc)
  /// The limit on the size of a file, as the calls take it: Glibc has a type of its own for it.
  private let limitedFileSize = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
#else
  private let limitedFileSize = RLIMIT_FSIZE
#endif

/// Runs `body` with a new folder, and removes it.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}
