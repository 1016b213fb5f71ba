import Foundation
import IR
import Packaging
import Testing

@testable import VitRuntime

/// A folder that goes with its owner.
final class Folder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/vitc-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}

/// Runs a tool; returns status and everything it printed.
@discardableResult
func shell(_ arguments: [String], in folder: String? = nil) throws -> (status: Int32, text: String)
{
  let process = Process()
  // Standard input of the tests is none of the tool's.
  process.standardInput = FileHandle.nullDevice
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (process.terminationStatus, text)
}

/// Builds the fixture model (Fixtures/model.c) through Packaging.
struct Fixture {
  static let inputs = 60
  static let classes = 7
  static let fixtures =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
    + "/Fixtures"
  static let headers =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
    + "/Sources/Runtime/CVitABI/include"

  /// The weights: 1/2, 2/2, 3/2, ...
  static let weights = (0..<inputs).map { Float($0 + 1) / 2 }

  /// The fixture as a library with embedded weights, built once.
  static let shared: Result<(folder: Folder, path: String), any Error> = Result {
    let folder = try Folder()
    // Static values are not destroyed.
    atexit {
      if case .success(let shared) = Fixture.shared {
        try? FileManager.default.removeItem(atPath: shared.folder.path)
      }
    }
    return (folder, try build(in: folder)[0])
  }

  /// The path of the library that all tests share.
  static func library() throws -> String { try shared.get().path }

  /// Compiles Fixtures/model.c.
  static func object(
    _ name: String, defines: [String] = [], architecture: Architecture = .host, in folder: Folder
  ) throws -> [UInt8] {
    let path = folder("\(name)-\(UUID().uuidString).obj")
    let result = try shell(
      [
        "clang", "--target=\(architecture.rawValue)-linux-gnu", "-ffreestanding", "-O1", "-fPIC",
        "-fexceptions",
        "-I", headers, "-DNAME=\(name)",
      ] + defines.map { "-D\($0)" }
        + ["-c", fixtures + "/model.c", "-o", path])
    try #require(result.status == 0, "\(result.text)")
    let weakened = try shell([
      "llvm-objcopy", "--weaken-symbol=__gcc_personality_v0", "--weaken-symbol=_Unwind_Resume",
      path,
    ])
    try #require(weakened.status == 0, "\(weakened.text)")
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Builds a model and returns the paths of all its files, the product first.
  static func build(
    _ name: String = "toy", file: String? = nil, kind: Artifact.Kind = .library,
    placement: Artifact.Placement = .embedded, defines: [String] = [],
    weights: [Float] = Fixture.weights, unusedBytes: Int = 0, architecture: Architecture = .host,
    selfTestValues: [SelfTestValues]? = nil, arrangement: Artifact.Arrangement = .beside,
    in folder: Folder
  ) throws -> [String] {
    let output = folder(file ?? "lib\(name).so")
    let product = try Artifact(
      output: output, name: name, kind: kind, architecture: architecture, placement: placement,
      weightsBytes: weights.count * 4 + unusedBytes, arrangement: arrangement)
    weights.withUnsafeBytes { product.weights.copyMemory(from: $0) }
    let hash = product.sealWeights()
    var all =
      defines + [
        "HASH_LOW=\(hash.low)ull", "HASH_HIGH=\(hash.high)ull",
        "WEIGHTS_BYTES=\(weights.count * 4 + unusedBytes)",
      ]
    if let file = product.weightsFileName { all.append("WEIGHTS_FILE=\"\(file)\"") }
    return try product.finish(
      objects: [try object(name, defines: all, architecture: architecture, in: folder)],
      interface: interface(name, hash: hash, weightsFileName: product.weightsFileName),
      selfTestValues: { _, _ in selfTestValues })
  }

  static func interface(
    _ name: String, hash: WeightHash, weightsFileName: String? = nil
  ) -> ModelInterface {
    ModelInterface(
      name: name, model: "fixture", compilerVersion: "0", target: "any toy-v1,toy-v2,toy-v3",
      weightsHash: hash,
      weightsBytes: inputs * 4, weightsFileName: weightsFileName, image: [3, 4, 5],
      outputs: [
        .init(name: "logits", shape: [classes]), .init(name: "tokens", shape: [3, 20]),
      ], parameters: inputs, flops: 240, arenaBytes: 480, preprocessing: "4 x 5, bicubic")
  }

  /// Images with values that differ.
  static func images(_ count: Int) -> [Float] {
    (0..<(count * inputs)).map { Float(($0 * 37) % 101) / 16 - 3 }
  }

  /// What the model should compute, in the same order of operations, hence the same bits.
  static func expected(_ images: [Float]) -> (logits: [Float], tokens: [Float]) {
    var logits: [Float] = []
    var tokens: [Float] = []
    for start in stride(from: 0, to: images.count, by: inputs) {
      let products = (0..<inputs).map { images[start + $0] * weights[$0] }
      let folded = (0..<inputs).map { products[$0] + products[inputs - 1 - $0] }
      tokens += folded
      for c in 0..<classes {
        logits.append(
          stride(from: c, to: inputs, by: classes).reduce(0) { $0 + Float(c + 1) * folded[$1] })
      }
    }
    return (logits, tokens)
  }
}
