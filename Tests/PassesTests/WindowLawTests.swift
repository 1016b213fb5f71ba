import Foundation
import IR
import Models
import RandomModels
import Testing

@testable import Passes

/// Laws of the passes on random small models with windows or relative positions.
struct WindowLawTests {
  /// The first seeds that make such a model, each with one of the precisions.
  static let cases = zip(
    (0..<400).map(UInt64.init).filter { RandomModel(seed: $0).hasWindows }.prefix(count),
    (0..<count).map { Precision.allCases[$0 % Precision.allCases.count] })
  private static let count = 12

  @Test(arguments: cases)
  func `passes keep results`(seed: UInt64, precision: Precision) throws {
    let random = RandomModel(seed: seed)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "vitc-windows-\(UUID().uuidString)")
    try random.write(to: folder)
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = try Model.load(folder.path, options: ModelOptions(weights: "seed:\(seed)"))
    let graph = try model.graph(outputs: random.outputs.compactMap(ModelOutput.init(rawValue:)))
    let shape = model.configuration
    let image = Reference.tensor(
      "input image", [shape.channels, shape.imageHeight, shape.imageWidth])
    try PrecisionLaws.hold(of: graph, on: image, precision, random)
  }
}
