import Foundation
import JSON
import Npy
import Testing

@testable import vitc

/// `vitc run --text` and what else is for libraries of text towers.
@Suite struct TextRunTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  private static let prompts = root + "/Tests/Goldens/prompts"

  /// The text tower of a folder of two, as `libtext.so`.
  private static func compile(
    _ name: String, in folder: Folder, _ options: [String] = []
  ) throws -> String {
    let path = folder("libtext.so")
    let result = try vitc(
      ["compile", prompts + "/" + name, "--tower", "text", "--target", "host", "-o", path]
        + options)
    try #require(result.code == 0, "\(result.errors)")
    #expect(!result.errors.contains("no tokenizer"))
    return path
  }

  /// Vectors of texts and of pictures, compared as the checkpoint says, are transformers' logits.
  @Test(arguments: ["clip", "siglip"]) func vectorsOfTexts(_ name: String) throws {
    let folder = try Folder()
    let (library, golden) = (try Self.compile(name, in: folder), Self.prompts + "/" + name)
    let labels = try String(contentsOfFile: golden + "/labels.txt", encoding: .utf8)
      .split(separator: "\n").map { "a photo of a \($0)." }
    let file = try folder.write(labels.dropFirst().joined(separator: "\r\n") + "\n", to: "t.txt")
    let run = try vitc(
      "run", library, "--text", labels[0], "--texts", file, "-o", folder("texts.npy"))
    try #require(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
    let texts = try NpyArray(path: folder("texts.npy"))
    #expect(texts.shape[0] == labels.count)
    // The same vectors as head of an image classifier, with one template.
    try #require(
      try vitc(
        "compile", golden, "--classes", golden + "/labels.txt", "--text-vectors",
        folder("texts.npy"), "--target", "host", "-o", folder("a.so")
      ).code == 0)
    try #require(
      try vitc(
        "compile", golden, "--classes", golden + "/labels.txt", "--prompt", "a photo of a {}.",
        "--target", "host", "-o", folder("b.so")
      ).code == 0)
    for name in ["a", "b"] {
      try #require(
        try vitc(
          "run", folder("\(name).so"), "-i", golden + "/input.npy", "-o", folder("\(name).npy")
        ).code == 0)
    }
    let (a, b) = (
      try NpyArray(path: folder("a.npy")).values, try NpyArray(path: folder("b.npy")).values
    )
    let rms = (b.reduce(0) { $0 + $1 * $1 } / Float(b.count)).squareRoot()
    #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 2e-5 * rms })
  }

  @Test func whatIsPrinted() throws {
    let folder = try Folder()
    let library = try Self.compile("clip", in: folder)
    let text = try vitc("run", library, "--text", "a cat", "--text", "a dog")
    #expect(text.code == 0)
    #expect(text.output.hasPrefix("a cat\n  features [") && text.output.contains("\na dog\n"))
    let json = try vitc("run", library, "--text", "a \"cat\"", "--json").json()
    #expect(json.array?.first?["text"]?.string == "a \"cat\"")
    #expect((json.array?.first?["features"]?.array?.count ?? 0) > 8)
    let long = try vitc("run", library, "--text", String(repeating: "one two ", count: 20))
    #expect(
      long.errors.contains("1 of 1 texts are longer than the 24 tokens that the model reads"))
    let inspected = try vitc("inspect", library, "--json").json()
    let tokenizer = inspected["details"]?["textTower"]?["tokenizer"]
    #expect(tokenizer?["name"]?.string == "CLIPTokenizer")
    guard case .integer(let bytes)? = tokenizer?["bytes"] else {
      Issue.record("no size")
      return
    }
    #expect(bytes > 10_000 && bytes < 1_000_000)
    #expect(try vitc("inspect", library).output.contains("CLIPTokenizer"))
    let bench = try vitc("bench", library, "--iterations", "3", "--threads", "1")
    #expect(bench.output.contains("GFLOP a text, batch 1") && bench.output.contains("texts/s"))
    #expect(!bench.output.contains("image"))
  }

  @Test(arguments: [
    (["--text", "a", "photo.jpg"], "Give either texts, or --ids, --input or photos."),
    (["--texts", "a", "--ids", "b"], "Give either texts, or --ids, --input or photos."),
    (["--text", "a", "--top", "3"], "--top, --labels, --orient and --overlay require photos."),
    (["--text", "a", "--output-name", "x"], "--output-name requires --output."),
  ])
  func wrongUsage(_ options: [String], _ message: String) throws {
    let result = try vitc(["run", "lib.so"] + options)
    #expect(result.code == 64 && result.errors.contains(message), "\(result.errors)")
  }

  /// Of towers without a tokenizer, of photos for texts and texts for photos.
  @Test func refusals() throws {
    let folder = try Folder()
    let library = folder("libtext.so")
    let made = try vitc(
      "compile", Self.root + "/Tests/Goldens/text/clip", "--tower", "text", "--target", "host",
      "-o", library)
    #expect(made.code == 0 && made.errors.contains("the library holds no tokenizer"))
    let bare = try vitc("run", library, "--text", "a")
    #expect(bare.code == 1 && bare.errors.contains("error: the library holds no tokenizer"))
    #expect(bare.errors.contains("--ids"))
    let photo = try vitc("run", library, "photo.jpg")
    #expect(photo.code == 1 && photo.errors.contains("the model reads texts, not photos"))
    #expect(photo.errors.contains("give the ids of texts with 'vitc run --ids'"))
    let other = try Self.compile("clip", in: folder)
    let hinted = try vitc("run", other, "photo.jpg")
    #expect(hinted.errors.contains("give texts with 'vitc run --text', or their ids with --ids"))
    try #require(
      try vitc(
        "compile", Self.prompts + "/clip", "--target", "host", "--outputs", "features", "-o",
        folder("libimages.so")
      ).code == 0)
    let images = try vitc("run", folder("libimages.so"), "--text", "a")
    #expect(images.code == 1 && images.errors.contains("the model reads images, not texts"))
    let empty = try vitc("run", other, "--texts", try folder.write("", to: "empty.txt"))
    #expect(empty.code == 1 && empty.errors.contains("the file is empty"), "\(empty.errors)")
  }

  /// Goldens and comparisons of text towers.
  @Test func goldensOfTexts() throws {
    let folder = try Folder()
    let library = try Self.compile("clip", in: folder)
    let record = try vitc(
      "golden", "record", library, "--seed", "3", "--count", "4", "-o", folder("golden.npz"))
    #expect(record.code == 0 && record.output.contains(": 4 texts, features"), "\(record.errors)")
    #expect(try vitc("golden", "check", library, folder("golden.npz")).code == 0)
    let other = folder("liblow.so")
    try #require(
      try vitc(
        "compile", Self.prompts + "/clip", "--tower", "text", "--target", "host", "--precision",
        "bf16", "-o", other
      ).code == 0)
    #expect(try vitc("golden", "check", other, folder("golden.npz")).code != 0)
    let texts = try folder.write("a cat\na dog\n", to: "texts.txt")
    let compared = try vitc("compare", library, other, "--texts", texts)
    #expect(compared.code == 0 && compared.output.hasPrefix("2 texts\n"), "\(compared.errors)")
    let photos = try vitc("compare", library, other, "--images", "photo.jpg")
    #expect(photos.code == 1 && photos.errors.contains("the model reads texts, not photos"))
  }
}
