import Diagnostics
import Foundation
import Packaging
import Testing

@testable import VitRuntime

/// Libraries that other tools have changed: they run, and `vitc verify` finds their weights.
@Suite struct ToolTests {
  private func check(_ path: String, isLoadable: Bool, _ comment: Comment) throws {
    #expect(throws: Never.self, comment) { _ = try WeightCheck(library: path) }
    guard isLoadable else { return }
    let images = Fixture.images(2)
    let logits = try VitModel(path: path).makeContext().run(images: images, count: 2)
    #expect(logits == Fixture.expected(images).logits, comment)
  }

  /// Applies the tools one after the other; `patchelf` stands for `auditwheel` too, which calls it.
  private func apply(_ tools: [String], size: WeightSegmentTests.Size) throws {
    let folder = try Folder()
    let path = try Fixture.build(
      defines: size.defines, unusedBytes: size.unusedBytes, in: folder)[0]
    for (index, tool) in tools.enumerated() {
      let result = try shell(tool.split(separator: " ").map(String.init) + [path])
      try #require(result.status == 0, "\(tool): \(result.text)")
      // What patchelf 0.14 has changed, GNU strip and objcopy were seen to make unfit to be loaded,
      // and 0.19 not; the weights are there all the same.
      let wasPatched = tools[..<index].contains { $0.hasPrefix("patchelf") }
      try check(
        path, isLoadable: !wasPatched || Self.version >= [0, 17],
        "\(tools), \(size), after \(tool)")
    }
    // Damage is found wherever the weights are now.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let weights = Fixture.weights.withUnsafeBytes { Data($0) }
    let place = try #require(bytes.range(of: weights))
    bytes[place.lowerBound + 7] ^= 1
    try bytes.write(to: URL(fileURLWithPath: folder("damaged.so")))
    let error = #expect(throws: Diagnostic.self) {
      _ = try WeightCheck(library: folder("damaged.so"))
    }
    #expect(error?.message.hasPrefix("the weights are damaged") == true, "\(tools)")
  }

  @Test(
    arguments: [
      ["strip"], ["strip --strip-all", "objcopy"], ["objcopy", "strip --strip-debug"],
      ["llvm-strip"], ["llvm-objcopy --strip-sections"],
      ["llvm-objcopy --strip-all", "llvm-strip --strip-unneeded", "strip"],
      ["objcopy --add-section .extra=/proc/version", "strip", "llvm-objcopy"],
      ["objcopy --remove-section .comment --set-section-flags .weights=alloc,readonly"],
    ], WeightSegmentTests.Size.allCases)
  func binutils(tools: [String], size: WeightSegmentTests.Size) throws {
    try apply(tools, size: size)
  }

  /// Its version; empty if it is not installed.
  static let version = PatchelfVersion()

  @Test(
    .enabled(
      if: !version.numbers.isEmpty, "patchelf is not installed: run 'make test-deps'"),
    arguments: [
      ["patchelf --set-rpath $ORIGIN/../libs"],
      ["patchelf --set-soname libtoy-1a2b3c4d.so", "strip"],
      ["strip", "patchelf --add-needed libm.so.6", "patchelf --set-rpath $ORIGIN", "objcopy"],
      ["objcopy", "patchelf --set-rpath /very/long/\(String(repeating: "x", count: 5000))"],
      [
        "patchelf --replace-needed libdl.so.2 libm.so.6", "patchelf --remove-rpath",
        "llvm-strip", "patchelf --set-rpath $ORIGIN",
      ],
      ["patchelf --set-rpath $ORIGIN", "llvm-objcopy --strip-sections"],
    ], WeightSegmentTests.Size.allCases)
  func patchelfAndOthers(tools: [String], size: WeightSegmentTests.Size) throws {
    try apply(tools, size: size)
  }

  /// Libraries are told apart by debuggers and symbol servers.
  @Test func buildID() throws {
    func id(_ weights: [Float], _ placement: Artifact.Placement) throws -> Substring {
      let folder = try Folder()
      let path = try Fixture.build(placement: placement, weights: weights, in: folder)[0]
      let text = try shell(["readelf", "-nW", path]).text
      let line = try #require(text.split(separator: "\n").first { $0.contains("Build ID: ") })
      return try #require(line.split(separator: " ").last)
    }
    for placement in [Artifact.Placement.embedded, .file] {
      let first = try id(Fixture.weights, placement)
      #expect(first.count == 40)
      #expect(try id(Fixture.weights, placement) == first)
      #expect(try id(Fixture.weights.map { -$0 }, placement) != first)
    }
  }
}

/// The version of the patchelf on the PATH.
struct PatchelfVersion: Sendable {
  let numbers: [Int]

  init() {
    let result = try? shell(["patchelf", "--version"])
    let word = result?.status == 0 ? result?.text.split(separator: " ").last : nil
    numbers = (word ?? "").split(separator: ".").compactMap {
      Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  static func >= (version: PatchelfVersion, least: [Int]) -> Bool {
    !version.numbers.lexicographicallyPrecedes(least)
  }
}
