import Foundation
import IR
import Testing

@testable import Models

/// Configurations of RADIO; the goldens hold what such folders compute.
@Suite struct RADIOFolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ config: String) throws -> ModelFolder {
    try folder.write("config.json", config)
    return try ModelFolder(path: folder.url.path)
  }

  @Test func fillsInDefaults() throws {
    let model = try transformer(read(#"{"model_type": "radio"}"#).model)
    #expect(
      model.dim == 1280 && model.depth == 32 && model.heads == 16 && model.mlpHidden == 5120)
    #expect(model.patch == 16 && model.prefixTokens == 10 && model.positionPrefix == 0)
    #expect(model.summaryTokens == [0, 1] && model.featureDim == 2560)
    #expect(model.positionGrid == [128, 128] && model.positionFit == .croppedSquare)
    #expect(model.conditioner?.mean == Preprocessing.clip.0 && !model.finalNorm)
  }

  @Test(arguments: [
    (
      #""summary_idxs": [0, 3]"#,
      "'summary_idxs' has 3, expected places of the 3 class tokens"
    ),
    (
      #""summary_idxs": []"#, "the summary is of 0 tokens, expected 1 to 1024"
    ),
    (
      #""num_cls_tokens": 0"#,
      "0 class tokens and 7 registers, expected 1 to 1024 and 0 to 1024"
    ),
    (
      #""norm_std": [1, 0, 1]"#,
      "'norm_mean' and 'norm_std' have 3 and 3 numbers, expected 3 each, deviations above 0"
    ),
    (#""head_dim": 64"#, "'head_dim' is 64, expected 1280 over 16 heads"),
  ])
  func refuses(keys: String, message: String) throws {
    let error = try diagnostic { try read(#"{"model_type": "radio", \#(keys)}"#) }
    #expect(error.message.hasSuffix(message), "\(error.message)")
    #expect(error.location == .file(folder.url.path + "/config.json"))
  }

  /// Which tokens are the summary, the checkpoint says again, and the class takes that.
  @Test func refusesASummaryOfOtherTokens() throws {
    let golden = goldens.appendingPathComponent("encoders/radio")
    let config = try String(
      contentsOf: golden.appendingPathComponent("config.json"), encoding: .utf8)
    let changed = config.replacing(#/"summary_idxs": \[\s*0,\s*1\s*\]/#) { _ in
      #""summary_idxs": [0, 2]"#
    }
    #expect(changed != config)
    try folder.write("config.json", changed)
    let file = golden.appendingPathComponent("model.safetensors").path
    let error = try diagnostic {
      try Model.load(folder.url.path, options: ModelOptions(weights: file))
    }
    #expect(
      error.message
        == "the checkpoint's summary is of the class tokens [0, 1], config.json says [0, 2]")
    #expect(error.hint == "transformers takes the checkpoint's: write them into 'summary_idxs'")
  }

  /// What is not in the file is what the configuration says, and branches are not scaled.
  @Test func takesFromTheConfigurationWhatTheFileLacks() throws {
    let path = goldens.appendingPathComponent("encoders/radio-bare-f16").path
    let model = try transformer(Model.load(path, options: ModelOptions()).configuration)
    #expect(model.conditioner?.isStored == false && !model.layerScale)
    let whole = goldens.appendingPathComponent("encoders/radio").path
    let other = try transformer(Model.load(whole, options: ModelOptions()).configuration)
    #expect(other.conditioner?.isStored == true && other.layerScale)
  }

  /// Where its tokens are: three of four class tokens are the answer.
  @Test func readsTheTokensOfTheSummary() throws {
    let path = goldens.appendingPathComponent("encoders/radio-gated-f16").path
    let configuration = try Model.load(path, options: ModelOptions()).configuration
    guard case .grid(let map) = configuration.geometry else {
      Issue.record("RADIO has a grid of tokens")
      return
    }
    #expect(map.reader == .classTokens([0, 3, 2]) && map.prefix == 4 && map.suffix == 0)
  }
}
