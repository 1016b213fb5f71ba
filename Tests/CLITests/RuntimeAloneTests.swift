import Foundation
import JSON
import Testing

/// The package where LLVM is missing, as an app sees it that only loads models.
@Suite struct RuntimeAloneTests {
  private static let root =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  @Test func itResolvesWithoutLLVM() throws {
    let folder = try Folder()
    let result = try launch(
      URL(fileURLWithPath: "/usr/bin/env"),
      [
        "VITC_LLVM=none", "swift", "package", "--package-path", Self.root, "--scratch-path",
        folder("build"), "--cache-path", folder("cache"), "dump-package",
      ])
    #expect(result.code == 0, "\(result.errors)")
    // One line says what is missing and what brings it.
    #expect(result.errors.contains("vitc: no LLVM, so only the library VitRuntime can be built"))
    let json = try result.json()
    func names(_ key: String) -> [String] {
      (json[key]?.array ?? []).compactMap { $0["name"]?.string }
    }
    #expect(names("products") == ["VitRuntime", "CompileViT", "VitcReaders"])
    #expect(
      names("targets").sorted() == [
        "CJPEG", "CPNG", "CSHA256", "CVitABI", "CWebP", "CompileViT", "Diagnostics", "Files",
        "Images", "JSON", "VitRuntime",
      ])
    // Nothing to fetch.
    #expect(json["dependencies"] == .array([]))
  }
}
