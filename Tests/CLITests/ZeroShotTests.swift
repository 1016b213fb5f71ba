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
    let again = try Data(contentsOf: URL(fileURLWithPath: folder("libwords.so")))
    // The length of a vector does not matter.
    #expect(try Self.compile(folder, "a cat\na dog", [2, 24], values.map { $0 * 4 }).code == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder("libwords.so"))) == again)
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
    (["--classes", "c"], "--classes and --text-vectors require each other."),
    (["--text-vectors", "v"], "--classes and --text-vectors require each other."),
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
}
