import Foundation
import Npy
import Testing

@testable import vitc

@Suite struct GoldenTests {
  @Test func recordThenCheck() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let recorded = try vitc(
      "golden", "record", model, "--seed", "7", "--count", "3", "-o", folder("g.npz"))
    #expect(recorded.code == 0, "\(recorded.errors)")
    #expect(recorded.output.contains("3 images, logits [3, 3], features [3, 2]"))
    let archive = try NpzArchive(path: folder("g.npz"))
    #expect(archive.names == ["input", "logits", "features", "tolerance", "cosine"])
    #expect(try archive.read("input").shape == [3, 3, 2, 2])
    let checked = try vitc("golden", "check", model, folder("g.npz"))
    #expect(checked.code == 0, "\(checked.errors)")
    let rows = checked.output.split(separator: "\n")
    #expect(rows.count == 3)
    #expect(rows.dropFirst().allSatisfy { $0.hasSuffix("ok") })
  }

  @Test func differencesNameTheWorstOutput() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let other = try Toy.build(in: folder, name: "libother.so", defines: ["BIAS=0.5f"])
    // The means of the second image are far smaller, so the same bias is a larger error there.
    let images = (0..<24).map { Float($0 < 12 ? 100 : 0.5) }
    try NpyArray(shape: [2, 3, 2, 2], values: images).write(to: folder("x.npy"))
    let recorded = try vitc(
      "golden", "record", model, "--input", folder("x.npy"), "-o", folder("g.npz"))
    #expect(recorded.code == 0, "\(recorded.errors)")
    let checked = try vitc("golden", "check", other, folder("g.npz"))
    #expect(checked.code == 1)
    #expect(
      checked.errors.contains(
        "libother.so: error: output 'logits' differs from the golden one: error 5.0e-02, expected "
          + "at most 2e-05"), "\(checked.errors)")
    #expect(checked.errors.contains("note: image 1, element 0: found 10.5, expected 10"))
    #expect(checked.errors.contains("note: 1 of 2 outputs differ: logits"))
    #expect(checked.output.contains("DIFFERS") && checked.output.contains("ok"))
    let loose = try vitc("golden", "check", other, folder("g.npz"), "--tolerance", "0.06")
    #expect(loose.code == 0, "\(loose.errors)")
    // Another limit can be stored.
    let wide = try vitc(
      "golden", "record", model, "--input", folder("x.npy"), "-o", folder("w.npz"), "--tolerance",
      "0.06", "--cosine", "0.5")
    #expect(wide.code == 0, "\(wide.errors)")
    #expect(try vitc("golden", "check", other, folder("w.npz")).code == 0)
    #expect(
      try vitc("golden", "check", other, folder("w.npz"), "--tolerance", "0.04").code == 1)
  }

  /// What numpy.savez makes of PyTorch's outputs: 'images', no limits, some outputs, other arrays.
  @Test func foreignArchives() throws {
    let folder = try Folder()
    let model = try Toy.build(in: folder)
    let images = NpyArray(shape: [1, 3, 2, 2], values: [Float](repeating: 1, count: 12))
    let logits = NpyArray(shape: [1, 3], values: [20, 20, 20])
    try NpzArchive.write(
      folder("t.npz"), [("images", images), ("logits", logits), ("logit_s", logits)])
    let checked = try vitc("golden", "check", model, folder("t.npz"))
    #expect(checked.code == 0, "\(checked.errors)")
    #expect(
      checked.errors.contains("tensor 'logit_s': warning: the model has no such output"))
    func message(_ arrays: [(name: String, array: NpyArray)]) throws -> String {
      try NpzArchive.write(folder("b.npz"), arrays)
      let result = try vitc("golden", "check", model, folder("b.npz"))
      #expect(result.code == 1)
      return result.errors
    }
    #expect(try message([("logits", logits)]).contains("found no array 'input' or 'images'"))
    #expect(
      try message([("input", images), ("images", images)]).contains("found both 'input' and"))
    #expect(try message([("input", images)]).contains("the golden has no output of the model"))
    #expect(
      try message([("input", images), ("logits", NpyArray(shape: [3, 1], values: [1, 2, 3]))])
        .contains("the golden output has shape [3, 1], expected [1, 3]"))
    #expect(
      try message([("input", logits), ("logits", logits)])
        .contains("the images have shape [1, 3], expected [n, 3, 2, 2]"))
    #expect(
      try message([("input", images), ("logits", logits), ("tolerance", logits)])
        .contains("expected one finite number, found shape [1, 3]"))
  }

  @Test func recordNeedsOneSource() throws {
    #expect(try vitc("golden", "record", "lib.so", "-o", "g.npz").code == 64)
    #expect(
      try vitc("golden", "record", "lib.so", "--seed", "1", "--input", "x", "-o", "g").code == 64)
    #expect(
      try vitc("golden", "record", "lib.so", "--seed", "1", "--count", "0", "-o", "g").code == 64)
    #expect(try vitc("golden", "check", "lib.so", "g.npz", "--tolerance", "nan").code == 64)
    #expect(try vitc("golden", "check", "lib.so", "g.npz", "--cosine", "2").code == 64)
  }

  @Test func deviationByHand() {
    // rms of the second image is 5 / sqrt 2; its error 1 is larger than the first's 1 / 100.
    let deviation = Deviation(
      found: [100, 101, 3, 5], expected: [100, 100, 3, 4], count: 2)
    #expect(abs(deviation.error - 1 / (5 / 2.0.squareRoot())) < 1e-12)
    #expect(abs(deviation.relativeL2 - 0.2) < 1e-12)
    #expect(abs(deviation.cosine - 29 / (5 * 34.0.squareRoot())) < 1e-12)
    #expect(deviation.place == .init(image: 1, element: 1, found: 5, expected: 4))
    let same = Deviation(found: [0, 0], expected: [0, 0], count: 1)
    #expect(same.error == 0 && same.relativeL2 == 0 && same.cosine == 1)
  }

  /// What is not a number never counts as right.
  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func notANumber(value: Float) {
    let limits = GoldenFile.Limits(tolerance: 1e30, cosine: -0.5)
    let found = Deviation(found: [1, value], expected: [1, 1], count: 1)
    #expect(!found.isWithin(limits))
    #expect(found.place.element == 1)
    #expect(!Deviation(found: [1, 1], expected: [1, value], count: 1).isWithin(limits))
    #expect(!Deviation(found: [1, 1], expected: [0, 0], count: 1).isWithin(limits))
  }
}
