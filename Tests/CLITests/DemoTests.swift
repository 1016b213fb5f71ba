import Foundation
import JSON
import Testing

@testable import vitc

/// The steps of `make demo` that need no second package.
@Suite struct DemoTests {
  private static let examples =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/examples"
  private static let images = examples + "/digits/images"

  /// PyTorch's answers.
  private func expected() throws -> [String: JSONValue] {
    let text = try String(contentsOfFile: Self.examples + "/digits/expected.json", encoding: .utf8)
    guard case .object(let members) = try JSONValue(parsing: text) else { return [:] }
    return members
  }

  @Test func runAgreesWithPyTorch() throws {
    let folder = try Folder()
    let library = folder("libdigits.so")
    let compiled = try vitc("compile", Self.examples + "/digits/model", "-o", library)
    #expect(compiled.code == 0, "\(compiled.errors)")
    let answers = try #require(
      try vitc("run", library, Self.images, "--top", "1", "--json").json().array)
    let expected = try expected()
    #expect(answers.count == expected.count && !answers.isEmpty)
    for answer in answers {
      let name = URL(fileURLWithPath: try #require(answer["file"]?.string)).lastPathComponent
      let best = try #require(answer["predictions"]?.array?.first)
      #expect(best["label"] == expected[name]?["label"], "\(name)")
      guard case .number(let found)? = best["probability"],
        case .number(let wanted)? = expected[name]?["probability"]
      else {
        Issue.record("\(name) has no probability")
        continue
      }
      #expect(abs(found - wanted) < 1e-4, "\(name)")
    }
  }

  @Test func aProgramInCAgreesWithPyTorch() throws {
    let folder = try Folder()
    let compiled = try vitc(
      "compile", Self.examples + "/digits/model", "-q", "-o", folder("libdigits.so"))
    #expect(compiled.code == 0, "\(compiled.errors)")
    let built = try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      [
        "clang", "-O1", "-Wall", "-Wextra", "-Werror", "-I", folder.path,
        Self.examples + "/c/classify.c", "-o", folder("classify"), "-L", folder.path, "-ldigits",
        "-Wl,-rpath,\(folder.path)", "-lpng", "-lm",
      ])
    #expect(built.code == 0, "\(built.errors)")
    let photos = try expected().filter { $0.key.hasSuffix(".png") }
    let result = try launch(
      URL(fileURLWithPath: folder("classify")), photos.keys.map { "\(Self.images)/\($0)" })
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == photos.count && !lines.isEmpty)
    for line in lines {
      let words = line.split(separator: " ")
      let name = URL(fileURLWithPath: String(words[0])).lastPathComponent
      #expect(photos[name]?["label"]?.string == String(words[1]), "\(line)")
    }
  }
}
