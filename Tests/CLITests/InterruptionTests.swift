import Foundation
import Testing

@testable import vitc

/// What is left when a compilation ends early.
@Suite struct InterruptionTests {
  private static let digits =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits/model"

  /// The program that was built with the tests.
  private func program() throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc").path
  }

  private func shell(_ command: String, in folder: Folder) throws -> Outcome {
    try launch(URL(fileURLWithPath: "/bin/sh"), ["-c", command], in: folder.path)
  }

  /// Ends `vitc compile` as soon as its folder of unfinished files is there.
  @Test(arguments: ["INT", "TERM", "HUP"])
  func signalsLeaveNothing(signal: String) throws {
    let folder = try Folder()
    // A shell starts what goes to the background deaf to SIGINT, and the thread of this test has
    // signals blocked; `env` makes the compiler hear again. A loop without `sleep` would take the
    // processor from it.
    let result = try shell(
      """
      env --default-signal=HUP,INT,TERM '\(try program())' compile ViT-Ti/16 --weights seed:1 -q \
        -o libvit.so & compiler=$!
      for i in $(seq 600); do [ -z "$(ls -A)" ] || break; sleep 0.05; done
      ls -A | cut -c 1-6
      kill -\(signal) $compiler; wait $compiler; echo $?
      """, in: folder)
    let code = ["INT": 130, "TERM": 143, "HUP": 129][signal] ?? 0
    #expect(result.output == ".vitc-\n\(code)\n", "\(result.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func ignoredSignalsStayIgnored() throws {
    let folder = try Folder()
    let result = try shell(
      """
      env --default-signal=HUP sh -c "trap '' HUP; exec '\(try program())' compile \
        '\(Self.digits)' -q -o libdigits.so" & compiler=$!
      for i in $(seq 600); do [ -z "$(ls -A)" ] || break; sleep 0.05; done
      kill -HUP $compiler; wait $compiler; echo $?
      """, in: folder)
    #expect(result.output == "0\n", "\(result.errors)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == ["digits.h", "digits.hpp", "libdigits.so", "module.modulemap"])
  }

  /// The limit is in blocks of 512 bytes; it stops the reservation of the weights.
  @Test func aLimitOnFileSizesIsTold() throws {
    let folder = try Folder()
    let result = try shell(
      "ulimit -f 100; exec '\(try program())' compile '\(Self.digits)' -o libdigits.so",
      in: folder)
    #expect(result.code == 1)
    #expect(result.errors.contains(".: error: cannot reserve "), "\(result.errors)")
    #expect(result.errors.contains(": file too large\n"), "\(result.errors)")
    #expect(
      result.errors.contains("hint: raise the limit on file sizes (ulimit -f)"),
      "\(result.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func outputsThatAreNoFiles() throws {
    let device = try vitc("compile", Self.digits, "-o", "/dev/null")
    #expect(device.code == 1)
    #expect(
      device.errors.contains(
        "/dev/null: error: is a device or a pipe, expected the path of a file"))
    let nothing = try vitc("compile", Self.digits, "-o", "")
    #expect(nothing.code == 1)
    #expect(nothing.errors.contains("-o: error: no output file is named"))
  }

  @Test(arguments: ["list", "compile '\(digits)' --emit ir"])
  func aFullDiskBehindStandardOutputIsTold(command: String) throws {
    let folder = try Folder()
    let result = try shell("exec '\(try program())' \(command) > /dev/full", in: folder)
    #expect(result.code == 1)
    #expect(
      result.errors.contains("error: cannot write to standard output"), "\(result.errors)")
  }
}
