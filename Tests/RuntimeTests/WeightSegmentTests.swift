import Diagnostics
import Foundation
import Testing

@testable import Packaging
@testable import VitRuntime

/// Weights that a library gets after it was linked.
@Suite struct WeightSegmentTests {
  /// What decides where the weights are in the file.
  enum Size: CaseIterable {
    /// The weights move forward, to close the gap.
    case small
    /// The linked bytes exceed the space before the weights, which move back.
    case muchCode
    /// The weights stay where they were written.
    case manyWeights

    var defines: [String] { self == .muchCode ? ["CODE_BYTES=1500000"] : [] }
    var unusedBytes: Int { self == .manyWeights ? 80_000_000 : 0 }
  }

  /// A line of `readelf --segments` for a PT_LOAD.
  private struct Load {
    var offset: Int
    var address: Int
    var fileBytes: Int
    var memoryBytes: Int
    var flags: String

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      func number(_ index: Int) -> Int? { Int(words[index].dropFirst(2), radix: 16) }
      guard words.first == "LOAD", let offset = number(1), let address = number(2),
        let fileBytes = number(4), let memoryBytes = number(5)
      else { return nil }
      self.offset = offset
      self.address = address
      self.fileBytes = fileBytes
      self.memoryBytes = memoryBytes
      flags = words[6..<(words.count - 1)].joined()
    }
  }

  @Test(arguments: Architecture.allCases, Size.allCases)
  func ordinaryLibrary(architecture: Architecture, size: Size) throws {
    let folder = try Folder()
    let path = try Fixture.build(
      defines: size.defines, unusedBytes: size.unusedBytes, architecture: architecture, in: folder)[
        0]
    let loads = try shell(["readelf", "-W", "--segments", path]).text.split(separator: "\n")
      .compactMap { Load($0) }
    let weights = try #require(loads.last)
    #expect(weights.flags == "R")
    #expect(weights.fileBytes == Fixture.inputs * 4 + size.unusedBytes)
    #expect(weights.memoryBytes == weights.fileBytes)
    #expect(weights.offset % architecture.mostPageBytes == 0)
    #expect(weights.address % architecture.mostPageBytes == 0)
    for (before, after) in zip(loads, loads.dropFirst()) {
      #expect(before.address + before.memoryBytes <= after.address)
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    #expect(bytes.count == weights.offset + weights.fileBytes)
    // Small models stay small files.
    #expect(size != .small || bytes.count < 200_000)
    let first = bytes[weights.offset..<weights.offset + 4 * Fixture.inputs]
      .withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(first == Fixture.weights)
    let all = try shell(["readelf", "-W", "--all", path]).text
    #expect(all.contains(" .weights "))
    #expect(!all.contains("Warning") && !all.contains("Error"))
  }

  /// Weights that move by less than their size, in pieces, are not written over before they moved.
  @Test func weightsThatMoveBackKeepTheirBytes() throws {
    let folder = try Folder()
    let weights = Fixture.weights + (0..<1_300_000).map { Float($0) }
    let path = try Fixture.build(
      defines: Size.muchCode.defines, weights: weights, in: folder)[0]
    let load = try #require(
      try shell(["readelf", "-W", "--segments", path]).text.split(separator: "\n")
        .compactMap { Load($0) }.last)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    let found = bytes[load.offset..<load.offset + load.fileBytes]
      .withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(found == weights)
    let images = Fixture.images(1)
    #expect(
      try VitModel(path: path).makeContext().run(images: images) == Fixture.expected(images).logits)
  }

  @Test(arguments: Size.allCases, ["strip --strip-all", "strip --strip-debug", "objcopy"])
  func survivesStripping(size: Size, tool: String) throws {
    let folder = try Folder()
    let path = try Fixture.build(
      defines: size.defines, unusedBytes: size.unusedBytes, in: folder)[0]
    let result = try shell(tool.split(separator: " ").map(String.init) + [path])
    #expect(result.status == 0 && result.text.isEmpty)
    let images = Fixture.images(2)
    let model = try VitModel(path: path)
    #expect(
      try model.makeContext().run(images: images, count: 2) == Fixture.expected(images).logits)
  }

  @Test func librariesWithoutTheNoteAreRefused() throws {
    let folder = try Folder()
    let path = try Fixture.build(placement: .file, in: folder)[0]
    var segment = try WeightSegment(architecture: .host, linked: path)
    let error = #expect(throws: Diagnostic.self) {
      try segment.complete(folder("toy.weights"), weightsBytes: 240)
    }
    #expect(error?.message == "the linker made a library with no note for the weights")
  }
}
