import Foundation
import JSON
import Testing

@testable import vitc

/// The cache of generated code as users see it.
@Suite struct CacheTests {
  private let folder: Folder
  private static let model =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/examples/digits/model"

  init() throws { folder = try Folder() }

  private func compile(_ arguments: String..., cache: String?) throws -> Data {
    let result = try vitc(
      [
        "compile", Self.model, "-q", "--target", "v2,v3", "-o", folder("libm.so"),
      ] + arguments, cache: cache)
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    return try Data(contentsOf: URL(fileURLWithPath: folder("libm.so")))
  }

  private func state(_ arguments: String..., cache: String?) throws -> JSONValue {
    let result = try vitc(["cache", "--json"] + arguments, cache: cache)
    #expect(result.code == 0, "\(result.errors)")
    return try result.json()
  }

  @Test func compileFillsItAndClearEmptiesIt() throws {
    let cache = folder("objects")
    #expect(try state(cache: cache)["objects"] == .integer(0))
    let plain = try compile("--no-cache", cache: cache)
    #expect(!FileManager.default.fileExists(atPath: cache))
    #expect(try compile(cache: cache) == plain)
    let filled = try state(cache: cache)
    #expect(filled["objects"] == .integer(2) && filled["folder"] == .string(cache))
    #expect(filled["problem"] == nil)
    #expect(try compile(cache: cache) == plain)
    #expect(try compile(cache: "") == plain)
    let text = try vitc(["cache"], cache: cache)
    #expect(text.output.contains("objects") && text.output.contains("of at most 256.0 MiB"))
    let cleared = try state("--clear", cache: cache)
    #expect(cleared["removed"] == .integer(2) && cleared["objects"] == .integer(0))
  }

  /// A folder that cannot be used costs time, nothing else, and `vitc cache` says why.
  @Test func aFolderThatCannotBeUsedIsNoFailure() throws {
    let file = try folder.write("", to: "file")
    let plain = try compile(cache: "")
    #expect(try compile(cache: file) == plain)
    #expect(try state(cache: file)["problem"] == .string("it is not a folder"))
    let none = try state(cache: "")
    #expect(none["folder"] == nil && none["problem"] != nil)
  }
}
