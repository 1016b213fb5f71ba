import Diagnostics
import Foundation
import Models
import Testing

@testable import Figures

/// What becomes of the figures of models of every kind: tiny ones with random weights, as timm and
/// transformers write them.
@Suite struct ModelTests {
  private static let goldens = Digits.root.appendingPathComponent("Tests/Goldens")

  /// The folders of tiny models, such as `timm/beit`.
  static let folders: [String] = ["timm", "hf", "encoders"].flatMap { kind in
    let names =
      (try? FileManager.default.contentsOfDirectory(
        atPath: goldens.appendingPathComponent(kind).path)) ?? []
    return names.filter { !$0.contains(".") }.sorted().map { "\(kind)/\($0)" }
  }

  private static let windows = [
    "positions": "scores of windows", "distance": "within windows", "rollout": "within windows",
  ]
  private static let maps = windows.filter { $0.key != "positions" }
  private static let convolutions = [
    "positions": "convolutions have no positions", "distance": "no attention",
    "rollout": "no attention",
  ]
  private static let relative = ["positions": "depends on their difference"]
  private static let difference = ["rollout": "difference of two"]

  /// The figures that a model lacks, with a part of the reason; of all others nothing is lacking.
  static let gaps: [String: [String: String]] = [
    "timm/beit": relative, "timm/bit": convolutions,
    "timm/difference": difference, "timm/difference-parallel": difference,
    "timm/resnetv2": convolutions, "timm/resnetv2-basic": convolutions,
    "timm/resnetv2-groups": convolutions, "timm/resnetv2-tiered": convolutions,
    "timm/sam": maps, "timm/sam-small": windows, "timm/swin": windows, "timm/swin-stages": windows,
    "timm/swinv2": windows, "timm/swinv2-cr": windows, "timm/swinv2-cr-period": windows,
    "timm/swinv2-trained": windows, "encoders/swinv2": windows, "encoders/swinv2-bare-f16": windows,
    "encoders/swinv2-wide-f16": windows,
    "encoders/donut-swin": windows, "encoders/swin": windows, "encoders/swin-bare-f16": windows,
    "encoders/sam": maps, "encoders/sam-hq": maps, "encoders/sam-hq-vision": maps,
    "encoders/sam-vision": windows, "encoders/vitdet": maps, "encoders/vitdet-backbone-f16": maps,
    "encoders/beit": relative, "encoders/beit-masked-f16": relative,
    "encoders/beit-wide-f16": relative,
    "encoders/data2vec": relative, "encoders/data2vec-bare-bf16": relative,
    "timm/resnetv2-evo": convolutions, "timm/resnetv2-response": convolutions,
    "hf/bit": convolutions, "hf/bit-bare-f16": convolutions, "hf/bit-bottleneck": convolutions,
  ]

  /// The results for two photos of noise.
  private func results(_ folder: String) throws -> [FigureResult] {
    let model = try Model.load(Self.goldens.appendingPathComponent(folder).path)
    var studio = try FigureStudio(model)
    let count =
      model.configuration.channels * model.configuration.imageHeight
      * model.configuration.imageWidth
    for photo in 1...2 {
      // A walk that repeats itself nowhere soon.
      let pixels = (0..<count).map { Double(($0 * 7919 * photo) % 1009) / 504.5 - 1 }
      try studio.add(pixels, named: "\(photo)")
    }
    return try studio.results()
  }

  @Test(arguments: folders) func `has each figure, or says why not`(_ folder: String) throws {
    let results = try results(folder)
    #expect(results.count == 5)
    var gaps: [String: String] = [:]
    for result in results {
      switch result {
      case .gap(let gap): gaps[gap.name] = gap.reason
      case .figure(let figure):
        #expect(!figure.pictures.isEmpty)
        for array in figure.numbers {
          #expect(array.values.count == array.shape.reduce(1, *), "\(array.name)")
          #expect(array.values.allSatisfy { $0.isFinite }, "\(array.name)")
        }
        try checkRollout(figure)
      }
    }
    let expected = Self.gaps[folder] ?? [:]
    #expect(Set(gaps.keys) == Set(expected.keys), "\(gaps)")
    for (name, reason) in expected {
      #expect(gaps[name]?.contains(reason) == true, "\(name): \(gaps[name] ?? "")")
    }
  }

  /// Shares of rollout sum to 1 with those of tokens before the patches, whoever reads the tokens.
  private func checkRollout(_ figure: Figure) throws {
    guard figure.name == "rollout" else { return }
    let map = try #require(figure.numbers.first)
    let before = try #require(figure.facts.first { $0.name == "mean_share_before_patches" })
    #expect(abs(map.values.reduce(0, +) / 2 + before.value - 1) < 1e-9)
    #expect(map.values.allSatisfy { $0 > 0 })
  }

  @Test func `there are folders`() { #expect(Self.folders.count > 60) }

  @Test func `without photos there are the figures of weights`() throws {
    let results = try FigureStudio(Digits().model).results()
    let gaps = results.compactMap { if case .gap(let gap) = $0 { gap } else { nil } }
    #expect(gaps.map(\.name) == ["distance", "rollout", "layers"])
    #expect(gaps.allSatisfy { $0.reason == "it needs photos, and none were given" })
  }

  /// A rotary table shows the mean cosine of the difference of angles.
  @Test func `positions of rotary models`() throws {
    let model = try Model.load(Self.goldens.appendingPathComponent("timm/dinov3").path)
    guard case .figure(let figure) = try FigureStudio(model).results()[1] else {
      Issue.record("no figure of positions")
      return
    }
    let configuration = model.configuration
    let heads = try #require(configuration.architecture["heads"])
    let count = try #require(configuration.architecture["dim"]) / heads / 4
    let array = figure.numbers[0]
    let (rows, columns) = (array.shape[0], array.shape[1])
    // Powers of 100 for each axis; coordinates from -1 to 1 over the patches' centres, times 2 pi.
    let sum = (0..<count).reduce(0.0) {
      let frequency = 2 * Double.pi / pow(100, Double($1) / Double(count))
      return $0 + cos(frequency * 2 / Double(rows)) + cos(frequency * 2 / Double(columns))
    }
    // Places (0, 0) and (1, 1).
    #expect(abs(array.values[columns + 1] - sum / Double(2 * count)) < 1e-12)
  }
}
