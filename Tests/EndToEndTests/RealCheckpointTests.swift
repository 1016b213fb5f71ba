import Foundation
import Npy
import Testing
import VitRuntime

/// A real checkpoint, DINOv2 ViT-S/14 as a Hugging Face folder, on real photos.
///
/// It runs where VITC_DINOV2 names the folder and VITC_DINOV2_GOLDENS what
/// `Scripts/goldens/real_checkpoint.py record` wrote: `images.npy`, `features.npy`, `tokens.npy`.
@Suite struct RealCheckpointTests {
  static let folder = ProcessInfo.processInfo.environment["VITC_DINOV2"]
  static let goldens = ProcessInfo.processInfo.environment["VITC_DINOV2_GOLDENS"]

  @Test(
    .enabled(
      if: folder != nil && goldens != nil,
      "VITC_DINOV2 and VITC_DINOV2_GOLDENS name no DINOv2 folder and goldens"))
  func `features are those of transformers`() throws {
    let goldens = URL(fileURLWithPath: try #require(Self.goldens))
    let bench = try Workbench()
    let model = try bench.model(try #require(Self.folder)) {
      $0.imageSize = (224, 224)
      $0.outputs = [.features, .tokens]
    }
    let context = try model.makeContext()
    let images = try NpyArray(path: goldens.appendingPathComponent("images.npy").path)
    let found = try context.runAll(images: images.values, count: images.shape[0])
    for output in ["features", "tokens"] {
      let truth = try NpyArray(path: goldens.appendingPathComponent("\(output).npy").path)
      let values = try #require(found[output])
      let single = truth.values.count / images.shape[0]
      for photo in 0..<images.shape[0] {
        let range = photo * single..<(photo + 1) * single
        let deviation = Deviation(Array(values[range]), Array(truth.values[range]))
        #expect(deviation.cosine >= 0.99999, "photo \(photo), \(output): \(deviation)")
      }
    }
  }
}
