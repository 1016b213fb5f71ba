import Foundation
import JSON
import Testing

/// `vitc figures`.
@Suite struct FigureTests {
  private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("examples/digits").path
  private static let model = examples + "/model"
  private static let photo = examples + "/images/digit-3-0013.png"

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  @Test func `draws all figures of photos`() throws {
    let folder = try Folder()
    let outcome = try vitc(
      "figures", Self.model, Self.photo, "-o", folder("figures"), "--quiet")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.isEmpty)
    #expect(try names(folder.path) == ["figures"])
    let pictures = try names(folder("figures")).filter { $0.hasSuffix("g") }
    #expect(
      pictures == [
        "distance.svg", "filters.png", "layers-1.png", "positions.png", "rollout-1.png",
      ])
    let page = try String(contentsOfFile: folder("figures/index.html"), encoding: .utf8)
    for name in pictures { #expect(page.contains("src=\"\(name)\"")) }
    for name in ["filters", "positions", "distance", "rollout", "layers"] {
      let text = try String(contentsOfFile: folder("figures/\(name).json"), encoding: .utf8)
      let json = try JSONValue(parsing: text)
      #expect(json["figure"]?.string == name)
      guard case .object(let arrays)? = json["arrays"] else {
        Issue.record("\(name) has no arrays")
        continue
      }
      for array in arrays.values {
        let file = try #require(array["file"]?.string)
        #expect(FileManager.default.fileExists(atPath: folder("figures/\(file)")), "\(file)")
      }
    }
  }

  @Test func `says what was drawn and what not`() throws {
    let folder = try Folder()
    let outcome = try vitc("figures", Self.model, "-o", folder("figures"))
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("filters    filters.png"))
    #expect(outcome.errors.contains("rollout    none: it needs photos, and none were given"))
  }

  /// One message, and nothing is left.
  @Test(arguments: [
    ("broken.png", "the PNG image is truncated"), ("no.png", "no such file"),
    ("empty", "the folder has no photos"), ("text.jpg", "expected a PNG, JPEG or WebP image"),
  ])
  func `a photo that cannot be read`(_ name: String, _ message: String) throws {
    let folder = try Folder()
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Self.photo))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: folder("broken.png")))
    _ = try folder.write("text", to: "text.jpg")
    try FileManager.default.createDirectory(
      atPath: folder("empty"), withIntermediateDirectories: false)
    let outcome = try vitc(
      "figures", Self.model, Self.photo, folder(name), "-o", folder("figures"))
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(outcome.errors.components(separatedBy: "error:").count == 2)
    #expect(try names(folder.path) == ["broken.png", "empty", "text.jpg"])
  }

  @Test func `a folder that cannot be made`() throws {
    let folder = try Folder()
    _ = try folder.write("", to: "file")
    let cases = [
      ("file", "there is something else of this name"), ("none/figures", "create the folder"),
    ]
    for (name, message) in cases {
      let outcome = try vitc("figures", Self.model, "-o", folder(name))
      #expect(outcome.code == 1)
      #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }
    #expect(try names(folder.path) == ["file"])
  }

  /// A limit on file sizes does what a full disk does: the write fails midway.
  @Test func `a disk that is full`() throws {
    let folder = try Folder()
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let program = URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "vitc")
    let outcome = try launch(
      URL(fileURLWithPath: "/bin/sh"),
      [
        "-c", "ulimit -f 8 && exec \"$@\"", "sh", program.path, "figures", Self.model, "-o",
        folder("figures"),
      ])
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("cannot write the file: file too large"), "\(outcome.errors)")
    #expect(try names(folder.path) == [])
  }
}
