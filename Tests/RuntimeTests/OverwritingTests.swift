import Diagnostics
import Foundation
import Packaging
import Testing

/// What is already where a model goes: vitc replaces its own files only, and says so first.
@Suite struct OverwritingTests {
  private func refusal(
    file: String = "libtoy.so", placement: Artifact.Placement = .file, in folder: Folder
  ) -> Diagnostic? {
    #expect(throws: Diagnostic.self) {
      try Fixture.build(file: file, placement: placement, in: folder)
    }
  }

  private func write(_ text: String, to name: String, in folder: Folder) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder(name)))
  }

  @Test func ownFilesAreReplaced() throws {
    let folder = try Folder()
    for placement in [Artifact.Placement.file, .embedded, .file] {
      for _ in 0..<2 { _ = try Fixture.build(placement: placement, in: folder) }
      for kind in [Artifact.Kind.static, .object] {
        _ = try Fixture.build(
          file: "toy.\(kind.rawValue)", kind: kind, placement: placement, in: folder)
      }
    }
    // Empty files, as `mktemp` and `touch` make, hold nobody's work.
    for name in ["toy.h", "toy.hpp", "module.modulemap", "toy.weights", "libtoy.so"] {
      try write("", to: name, in: folder)
    }
    _ = try Fixture.build(placement: .file, in: folder)
  }

  @Test(arguments: [
    ("toy.h", "/* my own */\nint toy;\n", "exists and is not a header that vitc wrote"),
    ("toy.h", "a", "exists and is not a header that vitc wrote"),
    ("toy.h", "/* x */\n/* toy: x, compiled by vitc 1 */", "exists and is not a header that vitc"),
    ("toy.hpp", "#pragma once\n", "exists and is not a header that vitc wrote"),
    ("module.modulemap", "module Mine { }\n", "exists and is not a module map that vitc wrote"),
    ("toy.weights", "numbers", "exists and is not a weights file that vitc wrote"),
    ("toy.weights", String(repeating: "x", count: 5000), "exists and is not a weights file"),
    ("libtoy.so", "{\"a\": 1}", "exists and is not a library, archive or object"),
    ("libtoy.so", "# Read me", "exists and is not a library, archive or object"),
  ])
  func foreignFilesAreKept(name: String, text: String, message: String) throws {
    let folder = try Folder()
    try write(text, to: name, in: folder)
    let error = refusal(in: folder)
    #expect(error?.message.hasPrefix(message) == true)
    #expect(error?.location == .file(folder(name)))
    #expect(error?.hint != nil)
    #expect(try String(contentsOfFile: folder(name), encoding: .utf8) == text)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(names.filter { !$0.hasSuffix(".obj") } == [name])
  }

  @Test(arguments: ["toy.h", "toy.hpp", "module.modulemap", "toy.weights"])
  func companions(name: String) throws {
    let folder = try Folder()
    let error = refusal(file: name, in: folder)
    #expect(error?.message.hasSuffix(" that is written beside it would be one file") == true)
    // By another name.
    _ = try Fixture.build(placement: .file, in: folder)
    try FileManager.default.linkItem(atPath: folder(name), toPath: folder("other"))
    #expect(
      refusal(file: "other", in: folder)?.message.hasSuffix("would be one file") == true)
    try FileManager.default.createSymbolicLink(
      atPath: folder("link"), withDestinationPath: folder(name))
    #expect(
      refusal(file: "link", in: folder)?.message.hasSuffix("would be one file") == true)
  }

  @Test(arguments: ["toy.h", "toy.hpp", "module.modulemap", "toy.weights"])
  func foldersAndPipes(name: String) throws {
    let folder = try Folder()
    #expect(mkfifo(folder(name), 0o600) == 0)
    #expect(refusal(in: folder)?.message.hasPrefix("is not a file, expected ") == true)
    try FileManager.default.removeItem(atPath: folder(name))
    try FileManager.default.createDirectory(
      atPath: folder(name), withIntermediateDirectories: false)
    #expect(refusal(in: folder)?.message.hasPrefix("is not a file, expected ") == true)
  }

  /// Clang reads every module map that is written, whatever the files and modules are called.
  @Test func moduleMapsOfAnyName() throws {
    let folder = try Folder()
    let names = [
      ("toy", "libplain.so"), ("two", "lib with space.so"), ("three", "lib\"quoted\".so"),
      ("four", "libback\\slash.so"), ("five", "libünï 🦉.so"), ("six", "libnew\nline.so"),
      ("seven", "libtab\t.so"), ("module", "libkeyword.so"), ("link", "liblink.so"),
      ("header", "lib.so"), ("explicit", "no prefix.so"), ("eight", "lib{}; module x {.so"),
    ]
    for (name, file) in names { _ = try Fixture.build(name, file: file, in: folder) }
    // Once more: what was written is understood.
    for (name, file) in names { _ = try Fixture.build(name, file: file, in: folder) }
    let imports = names.map { "@import \($0.0);" }.joined(separator: "\n")
    try write(imports, to: "all.m", in: folder)
    let result = try shell([
      "clang", "-fmodules", "-fsyntax-only", "-fmodules-cache-path=\(folder("cache"))",
      "-I", folder.path, folder("all.m"),
    ])
    #expect(result.status == 0, "\(result.text)")
    #expect(result.text == "")
  }
}
