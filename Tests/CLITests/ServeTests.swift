import Foundation
import Testing

/// `vitc serve`: what it hands on to vitc-serve, and what it says where that is missing.
///
/// The server itself has tests of its own (`make test-server`).
@Suite struct ServeTests {
  /// A copy of vitc in a folder of its own, beside which there is no vitc-serve unless a test puts
  /// one there.
  private func program(in folder: Folder) throws -> URL {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let built = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
    let copy = URL(fileURLWithPath: folder("vitc"))
    try FileManager.default.copyItem(at: built, to: copy)
    return copy
  }

  /// A program in the server's place: tells its arguments, and ends with a code of its own.
  private func standIn(_ path: String) throws {
    try "#!/bin/sh\necho \"$0\"; for a; do echo \"[$a]\"; done; exit 7\n".write(
      toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  private func run(
    _ program: URL, _ arguments: [String], path: String
  ) throws -> Outcome {
    try launch(
      URL(fileURLWithPath: "/usr/bin/env"), ["PATH=\(path)", program.path, "serve"] + arguments)
  }

  @Test func saysHowToBuildIt() throws {
    let folder = try Folder()
    let result = try run(try program(in: folder), ["libdigits.so"], path: "/nowhere")
    #expect(result.code == 1)
    #expect(result.output == "")
    #expect(
      result.errors == """
        error: vitc-serve was not found
          note: looked beside vitc, and on the PATH
          hint: 'make server' in vitc's sources builds it and puts it beside vitc

        """)
  }

  @Test func becomesTheOneBesideIt() throws {
    let folder = try Folder()
    let other = try Folder()
    try standIn(folder("vitc-serve"))
    try standIn(other("vitc-serve"))
    let result = try run(
      try program(in: folder), ["a=lib a.so", "--port", "0", "--", "--log-format=json"],
      path: other.path)
    #expect(result.code == 7)
    #expect(
      result.output
        == "\(folder("vitc-serve"))\n[a=lib a.so]\n[--port]\n[0]\n[--]\n[--log-format=json]\n")
    #expect(result.errors == "")
  }

  @Test func takesTheOneOnThePath() throws {
    let folder = try Folder()
    let other = try Folder()
    try standIn(other("vitc-serve"))
    let result = try run(try program(in: folder), ["--port", "1"], path: "/nowhere:\(other.path)")
    #expect(result.code == 7)
    #expect(result.output == "\(other("vitc-serve"))\n[--port]\n[1]\n")
  }

  @Test func saysThatItCannotBeRun() throws {
    let folder = try Folder()
    try "#!/nowhere/interpreter\n".write(
      toFile: folder("vitc-serve"), atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder("vitc-serve"))
    let result = try run(try program(in: folder), [], path: "/nowhere")
    #expect(result.code == 1)
    #expect(
      result.errors
        == "\(folder("vitc-serve")): error: cannot run vitc-serve: no such file or directory\n")
  }
}
