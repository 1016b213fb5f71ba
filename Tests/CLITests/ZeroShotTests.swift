import Foundation
import Npy
import Testing

@testable import vitc

/// `--classes` and `--text-vectors`: an image classifier from words.
@Suite struct ZeroShotTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  private static let clip = root + "/Tests/Goldens/encoders/clip"

  private static func compile(
    _ folder: Folder, _ classes: String, _ shape: [Int], _ values: [Float]
  ) throws -> Outcome {
    let names = try folder.write(classes, to: "classes.txt")
    try NpyArray(shape: shape, values: values).write(to: folder("vectors.npy"))
    return try vitc(
      "compile", clip, "--classes", names, "--text-vectors", folder("vectors.npy"), "--target",
      "host", "-o", folder("libwords.so"))
  }

  @Test func librarySaysItsClasses() throws {
    let folder = try Folder()
    let values = (0..<48).map { Float($0 % 7) - 2.5 }
    let result = try Self.compile(folder, "a cat\n\na dog\n", [2, 24], values)
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("logits compare images with texts: 2 classes, cosine x "))
    #expect(result.errors.contains(", scores by softmax"))
    let inspected = try vitc("inspect", folder("libwords.so"), "--json").json()
    #expect(inspected["scores"]?.string == "softmax")
    #expect(inspected["details"]?["labels"]?.array?.compactMap(\.string) == ["a cat", "a dog"])
    // The length of a vector does not matter; the library tells that it was made of another file.
    #expect(try Self.compile(folder, "a cat\na dog", [2, 24], values.map { $0 * 4 }).code == 0)
    let again = try vitc("inspect", folder("libwords.so"), "--json").json()
    #expect(again["weights_hash"] == inspected["weights_hash"])
    #expect(again["weights_hash"]?.string?.count == 32)
  }

  @Test(arguments: [
    ("", [1, 24], "the file is empty"), ("\n \n", [1, 24], "there is no name of a class"),
    ("a\nb\na", [3, 24], "the class 'a' is there twice: it is the 1. and the 3. name"),
    ("a\nb", [3, 24], "found an array [3, 24], expected [2, width]"),
    ("a\nb", [48], "found an array [48], expected [2, width]"),
    ("a\nb", [2, 23], "the vectors of texts have 23 numbers"),
  ])
  func wrongFiles(_ classes: String, _ shape: [Int], _ message: String) throws {
    let values = [Float](repeating: 1, count: shape.reduce(1, *))
    let result = try Self.compile(try Folder(), classes, shape, values)
    #expect(result.code == 1 && result.errors.contains(message), "\(result.errors)")
    #expect(result.errors.contains("hint: ") || classes.isEmpty)
  }

  @Test(arguments: [
    (Float.nan, "the vector of 'b', row 1, has a number that is NaN"),
    (0, "the vector of 'b', row 1, is zero"),
  ])
  func wrongVectors(_ value: Float, _ message: String) throws {
    let values = [Float](repeating: 1, count: 24) + [Float](repeating: value, count: 24)
    let result = try Self.compile(try Folder(), "a\nb", [2, 24], values)
    #expect(result.code == 1 && result.errors.contains(message), "\(result.errors)")
  }

  @Test(arguments: [
    (["--text-vectors", "v"], "--text-vectors requires --classes."),
    (["--prompt", "a {}"], "--prompt requires --classes."),
    (["--classes", "c", "--prompt", "a"], "--prompt 'a' has no {}, the place of a class's name"),
    (
      ["--classes", "c", "--prompt", "a {}", "--text-vectors", "v"],
      "--prompt cannot stand with --text-vectors"
    ),
    (
      ["--classes", "c", "--text-vectors", "v", "--head", "none"],
      "At most one of --head none, --classes"
    ),
    (
      ["--classes", "c", "--text-vectors", "v", "--num-classes", "3"], "--num-classes cannot stand"
    ),
  ])
  func wrongUsage(_ options: [String], _ message: String) throws {
    let result = try vitc(["compile", "m"] + options)
    #expect(result.code == 64 && result.errors.contains(message), "\(result.errors)")
  }

  /// The texts' vectors by the folder's own tokenizer and tower: transformers' and open_clip's
  /// logits in float64, of each family.
  @Test(arguments: [
    "clip", "metaclip2", "siglip", "siglip2", "siglip2-naflex", "aimv2", "open-clip",
    "open-clip-siglip",
  ])
  func fromWords(_ name: String) throws {
    let folder = try Folder()
    let golden = Self.root + "/Tests/Goldens/prompts/" + name
    let result = try vitc(
      "compile", golden, "--classes", golden + "/labels.txt", "--prompt", "a photo of a {}.",
      "--prompt", "art of the {}", "--target", "host", "-o", folder("libwords.so"))
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("scores by \(name.contains("siglip") ? "sigmoid" : "softmax")"))
    // Of its tokenizer's small pieces the longest name has too many, here and in transformers.
    #expect(result.errors.contains("are cut") == (name == "metaclip2"))
    try #require(
      try vitc(
        "run", folder("libwords.so"), "--input", golden + "/input.npy", "-o", folder("y.npy")
      ).code == 0)
    let expected = try NpyArray(path: golden + "/logits.npy")
    let found = try NpyArray(path: folder("y.npy"))
    #expect(found.shape == expected.shape)
    let rms = (expected.values.reduce(0) { $0 + $1 * $1 } / Float(expected.values.count))
      .squareRoot()
    let error = zip(found.values, expected.values).map { abs($0 - $1) }.max() ?? .infinity
    #expect(error <= 2e-5 * rms, "\(error / rms)")
    // The text tower leaves nothing but a vector for each class.
    let inspected = try vitc("inspect", folder("libwords.so"), "--json").json()
    #expect(inspected["details"]?["labels"]?.array?.count == 5)
  }

  /// The template that CLIP's paper takes is the one without `--prompt`.
  @Test func theStandardPrompt() throws {
    let folder = try Folder()
    let golden = Self.root + "/Tests/Goldens/prompts/clip"
    var hashes: [String] = []
    for options in [[], ["--prompt", "a photo of a {}."], ["--prompt", "{}"]] {
      let result = try vitc(
        [
          "compile", golden, "--classes", golden + "/labels.txt", "--target", "host", "-o",
          folder("libwords.so"),
        ] + options)
      try #require(result.code == 0, "\(result.errors)")
      let inspected = try vitc("inspect", folder("libwords.so"), "--json").json()
      hashes.append(try #require(inspected["weights_hash"]?.string))
    }
    #expect(hashes[0] == hashes[1] && hashes[0] != hashes[2])
  }

  @Test func textsThatCannotBeRead() throws {
    let folder = try Folder()
    let golden = Self.root + "/Tests/Goldens/prompts/clip"
    let long = String(repeating: "one two three ", count: 20)
    let names = try folder.write("cat\n\(long)\nCat\n", to: "names.txt")
    let cut = try vitc(
      "compile", golden, "--classes", names, "--target", "host", "-o", folder("libwords.so"))
    #expect(cut.code == 0)
    #expect(
      cut.errors.contains("1 of 3 texts are longer than the 24 tokens that the text tower reads"),
      "\(cut.errors)")
    // A long text is not told as a whole.
    #expect(!cut.errors.contains(long) && cut.errors.contains("one two three one t…'"))
    // Capitals are none to this tokenizer.
    #expect(
      cut.errors.contains(
        "warning: classes whose texts are the same tokens share a score: 'cat' and 'Cat'\n"),
      "\(cut.errors)")
    // Without the tokenizer's files, and without a folder.
    for file in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(atPath: "\(golden)/\(file)", toPath: folder(file))
    }
    for (model, message) in [
      (folder.path, "there is no tokenizer.json, nor vocab.json with merges.txt"),
      ("vit_tiny_patch16_224", "'vit_tiny_patch16_224' is not a model folder"),
    ] {
      let result = try vitc(
        "compile", model, "--classes", names, "-o", folder("libother.so"))
      #expect(result.code == 1 && result.errors.contains(message), "\(result.errors)")
      #expect(result.errors.contains("hint: "))
      #expect(!FileManager.default.fileExists(atPath: folder("libother.so")))
    }
  }
}
