import Foundation
import Testing

@testable import Models

/// Folders of transformers whose tensors are named as version 5 has them in memory: every tensor is
/// found where it was.
@Suite struct ModuleNamesTests {
  /// Parts of a file's names, and those of `save_pretrained(…, save_original_format=False)`.
  static let vit: Changes = [
    ("encoder.layer.", "layers."), ("attention.attention.query", "attention.q_proj"),
    ("attention.attention.key", "attention.k_proj"),
    ("attention.attention.value", "attention.v_proj"),
    ("attention.output.dense", "attention.o_proj"), ("intermediate.dense", "mlp.fc1"),
    ("output.dense", "mlp.fc2"),
  ]
  static let beit: Changes = [
    ("attention.attention.relative_position_bias.", "relative_position_bias."),
    ("encoder.relative_position_bias.", "shared_position_bias."),
  ]
  static let swin: Changes = [
    ("attention.self.query", "attention.q_proj"), ("attention.self.key", "attention.k_proj"),
    ("attention.self.value", "attention.v_proj"),
    ("self.relative_position_bias_table", "relative_position_bias.relative_position_bias_table"),
  ]
  static let pixio: Changes = [("norm1", "layernorm_before"), ("norm2", "layernorm_after")]
  static let yolos: Changes = [
    ("encoder.mid_position_embeddings", "encoder.interpolation.mid_position_embeddings")
  ]

  typealias Changes = [(String, String)]

  static let inEncoder: Changes = Array(vit.dropFirst())
  static let cases: [(String, [Changes])] = [
    ("hf/vit", [vit]), ("hf/vit-pooler", [vit]), ("hf/deit-teacher", [vit]),
    ("hf/dinov2-bare", [inEncoder]), ("hf/dinov2-f16", [inEncoder]),
    ("hf/dinov2-registers", [inEncoder]), ("encoders/mae-decoder", [vit]),
    ("encoders/msn-classifier", [vit]), ("encoders/ijepa", [vit]),
    ("encoders/pixio", [vit, pixio]), ("encoders/beit", [beit, vit]),
    ("encoders/beit-token-f16", [beit, vit]), ("encoders/swin", [swin, vit]),
    ("encoders/yolos", [yolos]),
  ]

  @Test(arguments: cases)
  func `names in memory are read`(golden: String, changes: [Changes]) throws {
    let source = goldens.appendingPathComponent(golden)
    let folder = try TemporaryFolder()
    try folder.write(
      "config.json", try Data(contentsOf: source.appendingPathComponent("config.json")))
    let (header, data) = try safetensors(at: source.appendingPathComponent("model.safetensors"))
    func renamed(_ name: String) -> String {
      changes.joined().reduce(name) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }
    let other = Dictionary(uniqueKeysWithValues: header.map { (renamed($0), $1) })
    #expect(other.count == header.count && Set(other.keys) != Set(header.keys))
    let text = try JSONSerialization.data(withJSONObject: other)
    try folder.write(
      "model.safetensors", safetensors(header: String(decoding: text, as: UTF8.self), data: data))

    let old = try Model.load(source.path)
    let new = try Model.load(folder.url.path)
    for tensor in try old.family.tensors(fusedQKV: old.places.naming.fusesQKV) {
      #expect(try new.places.place(tensor).name == renamed(old.places.place(tensor).name))
    }
  }
}
