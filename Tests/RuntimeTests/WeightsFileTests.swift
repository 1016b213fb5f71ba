import Foundation
import Testing

@testable import VitRuntime

@Suite struct WeightsFileTests {
  let folder: Folder
  let library: String
  let weights: String

  init() throws {
    folder = try Folder()
    library = try Fixture.build(placement: .file, in: folder)[0]
    weights = folder("toy.weights")
  }

  func message() -> String? {
    let error = #expect(throws: VitError.self) { try VitModel(path: library) }
    return error?.message
  }

  func rewrite(_ change: (inout Data) -> Void) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: weights))
    change(&data)
    try data.write(to: URL(fileURLWithPath: weights))
  }

  @Test func standsBesideTheLibrary() throws {
    let images = Fixture.images(2)
    let context = try VitModel(path: library).makeContext()
    #expect(try context.run(images: images, count: 2) == Fixture.expected(images).logits)
  }

  @Test func standsElsewhere() throws {
    let elsewhere = try Folder()
    let path = elsewhere("other name")
    try FileManager.default.moveItem(atPath: weights, toPath: path)
    #expect(message() == "weights file '\(weights)': no such file")
    let model = try VitModel(path: library, options: VitOptions(weightsPath: path))
    let images = Fixture.images(1)
    #expect(try model.makeContext().run(images: images) == Fixture.expected(images).logits)
  }

  @Test func truncated() throws {
    try rewrite { $0.removeLast(100) }
    #expect(
      message() == "weights file '\(weights)': is 4236 bytes, expected 4336; it was truncated")
    try rewrite { $0.removeLast(4226) }
    #expect(message() == "weights file '\(weights)': is 10 bytes, expected 4336; it was truncated")
    try rewrite { $0.removeAll() }
    #expect(message() == "weights file '\(weights)': is 0 bytes, expected 4336; it was truncated")
  }

  @Test func tooLong() throws {
    try rewrite { $0.append(0) }
    #expect(
      message() == "weights file '\(weights)': is 4337 bytes, expected 4336; it was damaged")
  }

  @Test func foreign() throws {
    try rewrite { $0[0] ^= 1 }
    #expect(message() == "weights file '\(weights)': is not a vitc weights file")
  }

  @Test func otherVersion() throws {
    try rewrite { $0[8] = 9 }
    #expect(message() == "weights file '\(weights)': has ABI version 9, expected 1")
  }

  @Test func otherModel() throws {
    let other = try Folder()
    _ = try Fixture.build(placement: .file, weights: Fixture.weights.map { -$0 }, in: other)
    try FileManager.default.removeItem(atPath: weights)
    try FileManager.default.copyItem(atPath: other("toy.weights"), toPath: weights)
    let text = try #require(message())
    #expect(text.hasPrefix("weights file '\(weights)': belongs to another model: its hash is "))
  }

  @Test func folderOrUnreadable() throws {
    try FileManager.default.removeItem(atPath: weights)
    try FileManager.default.createDirectory(atPath: weights, withIntermediateDirectories: false)
    #expect(message() == "weights file '\(weights)': is a folder")
  }
}
