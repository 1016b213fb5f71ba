import Foundation
import JSON
import Npy
import Testing

@testable import vitc

/// examples/words: classifiers from words whose answers mean something.
@Suite struct WordsExampleTests {
  private static let examples =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/examples"

  /// On the pictures that training has not seen as often right as transformers is in float64, which
  /// `train.py` measured, by a template of training and by one that it never saw.
  @Test(arguments: [
    ("digits.txt", "a photo of a {}.", 0), ("digits.txt", "a handwritten {}", 0),
    ("parity.txt", "this is the number {}.", 2),
  ])
  func accuracy(_ file: String, _ template: String, _ question: Int) throws {
    let folder = try Folder()
    let result = try vitc(
      "compile", Self.examples + "/words/model", "--classes", Self.examples + "/words/" + file,
      "--prompt", template, "--target", "host", "-o", folder("libwords.so"))
    try #require(result.code == 0, "\(result.errors)")
    let pixels = try NpyArray(path: Self.examples + "/digits/test-images.npy")
    let labels = try NpyArray(path: Self.examples + "/digits/test-labels.npy").values.map {
      Int($0)
    }
    let size = 32 * 32
    let inputs = labels.indices.flatMap { index -> [Float] in
      let grey = pixels.values[index * size..<(index + 1) * size].map { ($0 / 255 - 0.5) / 0.5 }
      return grey + grey + grey
    }
    try NpyArray(shape: [labels.count, 3, 32, 32], values: inputs).write(to: folder("x.npy"))
    try #require(
      try vitc("run", folder("libwords.so"), "-i", folder("x.npy"), "-o", folder("y.npy")).code == 0
    )
    let logits = try NpyArray(path: folder("y.npy"))
    let classes = logits.shape[1]
    let right = labels.indices.filter { index in
      let row = logits.values[index * classes..<(index + 1) * classes]
      let best = row.indices.max { row[$0] < row[$1] }.map { $0 - row.startIndex }
      return best == labels[index] % classes
    }.count
    let record = try JSONValue(
      parsing: String(contentsOfFile: Self.examples + "/words/expected.json", encoding: .utf8))
    guard case .object(let counts)? = record["right"],
      let key = counts.keys.first(where: {
        $0.hasPrefix(template + " | ") && $0.hasSuffix(question == 0 ? "eight, nine" : "odd number")
      }), case .integer(let expected)? = counts[key]
    else {
      Issue.record("expected.json has no count for \(template)")
      return
    }
    #expect(right == expected && right >= 350, "\(right) of \(labels.count), expected \(expected)")
  }
}
