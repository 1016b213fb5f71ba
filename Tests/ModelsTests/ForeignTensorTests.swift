import Foundation
import Testing

@testable import Models

/// Tensors of another part of a whole model, or of training: left out where a class of the family
/// has them, refused elsewhere.
@Suite struct ForeignTensorTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The folder of a golden, with one tensor more in its file.
  private func load(_ golden: String, with name: String) throws -> Model {
    let source = goldens.appendingPathComponent("encoders/\(golden)")
    try folder.write(
      "config.json", try Data(contentsOf: source.appendingPathComponent("config.json")))
    let (header, old) = try safetensors(at: source.appendingPathComponent("model.safetensors"))
    let extra: [String: Any] = [
      "dtype": "F32", "shape": [2], "data_offsets": [old.count, old.count + 8],
    ]
    let text = try JSONSerialization.data(
      withJSONObject: header.merging([name: extra]) { _, last in last })
    let data = old + [UInt8](repeating: 0, count: 8)
    try folder.write(
      "model.safetensors", safetensors(header: String(decoding: text, as: UTF8.self), data: data))
    return try Model.load(folder.url.path)
  }

  @Test(arguments: [
    ("mlcd", "text_model.final_layer_norm.weight"), ("mlcd", "text_projection.weight"),
    ("mlcd", "logit_scale"),
    ("clip", "box_head.dense0.weight"), ("clip", "decoder.film_mul.weight"),
    ("clip-bare", "layer_norm.weight"), ("clipseg", "class_head.dense0.weight"),
    ("owlvit", "decoder.film_mul.weight"), ("siglip", "objectness_head.dense0.weight"),
    ("siglip", "lm_head.weight"), ("dinov3", "pooler.dense.weight"), ("pixio", "decoder.0.weight"),
    ("radio", "mask_token"), ("swin", "pooler.dense.weight"), ("blip", "decoder.weight"),
    ("blip", "text_decoder.extra"), ("blip-caption", "visual_projection.weight"),
    ("blip-caption", "qformer.extra"), ("blip2-caption", "text_decoder.extra"),
    ("yolos", "lm_head.weight"), ("vitdet", "mask_token"), ("mae", "lm_head.weight"),
  ])
  func `parts that no class of its family has are refused`(golden: String, name: String) throws {
    let error = try diagnostic { try load(golden, with: name) }
    #expect(error.message.hasSuffix("': 1 extra"), "\(error.message)")
    #expect(error.notes == ["extra: '\(name)' F32[2]"])
    #expect(error.hint == "--ignore PATTERN leaves out tensors that inference does not need")
  }

  @Test(arguments: [
    ("clip", "text_model.extra.weight"), ("clip-bare", "visual_projection.weight"),
    ("clip-bare", "text_model.final_layer_norm.weight"),
    ("clipseg", "decoder.film_mul.weight"), ("owlvit", "objectness_head.dense0.weight"),
    ("siglip", "text_model.extra.weight"), ("siglip", "text_model.head.extra"),
    ("mae", "decoder.mask_token"), ("ijepa", "pooler.dense.weight"), ("ijepa", "decoder.0.weight"),
    ("beit", "lm_head.weight"), ("beit", "beit.embeddings.mask_token"),
    ("swin", "decoder.0.weight"), ("donut-swin", "embeddings.mask_token"),
    ("dinov3", "embeddings.mask_token.extra"), ("blip-caption", "text_decoder.extra"),
    ("blip-caption", "itm_head.weight"), ("blip2-caption", "language_model.extra"),
    ("blip2-caption", "embeddings.word_embeddings.weight"),
  ])
  func `parts that a class of its family has may be there`(golden: String, name: String) throws {
    #expect(throws: Never.self) { try load(golden, with: name) }
  }
}
