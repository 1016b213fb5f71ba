import Foundation
import Testing

/// Linkers other than the one that vitc prefers.
@Suite struct LinkerTests {
  private static let example =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples/digits"

  @Test func librariesOfTheGNULinkerGiveTheSame() throws {
    let folder = try Folder()
    let photo = "\(LinkerTests.example)/images/digit-3-1729.png"
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
    var answers: [String] = []
    for linker in ["ld.bfd", ""] {
      let library = folder("lib\(linker.prefix(2))digits.so")
      let result = try launch(
        URL(fileURLWithPath: "/usr/bin/env"),
        [
          "VITC_LD=\(linker)", program.path, "compile", "\(LinkerTests.example)/model", "-o",
          library,
        ])
      #expect(result.code == 0, "\(result.errors)")
      let answer = try vitc("run", library, photo)
      #expect(answer.code == 0, "\(answer.errors)")
      answers.append(answer.output)
    }
    #expect(answers[0] == answers[1])
    #expect(!answers[0].isEmpty)
  }
}
