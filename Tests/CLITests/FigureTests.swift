import Foundation
import Images
import JSON
import Npy
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

  /// What a photo becomes, given as an array, makes the same numbers.
  @Test func `takes images that are preprocessed already`() throws {
    let folder = try Folder()
    let pixels = try Image(decoding: Self.photo).rgb
    let plane = stride(from: 0, to: pixels.count, by: 3).map { Float(pixels[$0]) / 127.5 - 1 }
    try NpyArray(shape: [2, 3, 32, 32], values: Array(repeating: plane, count: 6).flatMap { $0 })
      .write(to: folder("x.npy"))
    for (arguments, name) in [
      (["--input", folder("x.npy")], "array"), ([Self.photo, Self.photo], "photos"),
    ] {
      let outcome = try vitc(["figures", Self.model] + arguments + ["-o", folder(name), "-q"])
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    for name in ["rollout", "distance", "layers-3"] {
      let (a, b) = (
        try NpyArray(path: folder("array/\(name).npy")),
        try NpyArray(path: folder("photos/\(name).npy"))
      )
      #expect(a.shape == b.shape)
      #expect(zip(a.values, b.values).allSatisfy { abs($0 - $1) < 1e-4 }, "\(name)")
    }
    let page = try String(contentsOfFile: folder("array/index.html"), encoding: .utf8)
    #expect(page.contains("x.npy[1]"))
  }

  @Test func `arrays that are no images`() throws {
    let folder = try Folder()
    try NpyArray(shape: [3, 2, 2], values: Array(repeating: 0, count: 12))
      .write(to: folder("small.npy"))
    var values = Array(repeating: Float(0), count: 3 * 32 * 32)
    values[5] = .nan
    try NpyArray(shape: [3, 32, 32], values: values).write(to: folder("nan.npy"))
    for (name, message) in [
      ("small.npy", "the images have shape [3, 2, 2], expected [3, 32, 32]"),
      ("nan.npy", "1 of 3072 values are NaN or infinite"),
    ] {
      let outcome = try vitc(
        "figures", Self.model, "--input", folder(name), "-o", folder("figures"))
      #expect(outcome.code == 1)
      #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }
    let both = try vitc(
      "figures", Self.model, Self.photo, "--input", "x.npy", "-o", folder("figures"))
    #expect(both.code == 64)
    #expect(both.errors.contains("either --input or photos, not both"))
    #expect(try names(folder.path) == ["nan.npy", "small.npy"])
  }

  /// A processor that vitc does not follow: the message says what can be done.
  @Test func `photos of a model whose preprocessing is not known`() throws {
    let folder = try Folder()
    let model = URL(fileURLWithPath: Self.examples).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Tests/Goldens/encoders/siglip2").path
    let outcome = try vitc("figures", model, Self.photo, "-o", folder("figures"))
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("photos cannot be preprocessed"))
    #expect(outcome.errors.contains("give the array with --input"))
    #expect(try names(folder.path).isEmpty)
  }

  @Test func `a compiled model is none to look into`() throws {
    let folder = try Folder()
    _ = try folder.write("", to: "libvit.so")
    let outcome = try vitc("figures", folder("libvit.so"), "-o", folder("figures"))
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("is a compiled model, expected one that can be compiled"))
  }

  @Test func `a folder that cannot be made`() throws {
    let folder = try Folder()
    _ = try folder.write("", to: "file")
    let cases = [
      ("file", "there is something else of this name"), ("none/figures", "create the folder"),
    ]
    #expect(
      try vitc("figures", Self.model, "-o", "").errors.contains("a folder without a name"))
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
