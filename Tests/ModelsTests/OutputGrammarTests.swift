import Diagnostics
import Testing

@testable import Models

/// The text of `--outputs`.
@Suite struct OutputGrammarTests {
  @Test(arguments: [
    ("logits", ["logits"]), ("features", ["features"]), ("features:unit", ["features_unit"]),
    ("pooled", ["pooled"]), ("pooler", ["pooler"]), ("tokens", ["tokens"]),
    ("layers:2+5", ["layer2", "layer5"]), ("layers:0:norm", ["layer0_norm"]),
    ("layers:3:norm:nchw", ["layer3_norm_nchw"]), ("layers:7:prefix", ["layer7_prefix"]),
    ("attention:class", ["attention_class"]), ("attention:class:all", ["attention_class_all"]),
    ("attention:4", ["attention_4"]), ("attention:all", ["attention_all"]),
    ("rollout", ["rollout"]), ("distance", ["distance"]), ("logits:f16", ["logits_f16"]),
    ("features:unit:f16", ["features_unit_f16"]),
    ("layers:1+2:norm:f16", ["layer1_norm_f16", "layer2_norm_f16"]),
  ])
  func readsWhatItWrites(_ text: String, _ names: [String]) throws {
    let output = try ModelOutput(parsing: text)
    #expect(output.rawValue == text && output.names == names)
    #expect(ModelOutput(rawValue: text) == output)
  }

  /// Defaults said aloud, and options in another order.
  @Test func meansTheSame() throws {
    #expect(try ModelOutput(parsing: "layers:1:raw") == ModelOutput(parsing: "layers:1"))
    #expect(
      try ModelOutput(parsing: "layers:1:nchw:norm") == ModelOutput(parsing: "layers:1:norm:nchw"))
  }

  @Test(arguments: [
    (
      "",
      "an empty output, expected one of logits, features, pooled, pooler, tokens, layers, "
        + "attention, rollout, distance"
    ),
    (
      "logit",
      "unknown output 'logit', expected one of logits, features, pooled, pooler, tokens, "
        + "layers, attention, rollout, distance"
    ),
    ("tokens:unit", "option 'unit' means nothing in 'tokens:unit', expected f16"),
    ("features:units", "option 'units' means nothing in 'features:units', expected unit, f16"),
    ("features:unit:unit", "option 'unit' is there twice in 'features:unit:unit'"),
    ("layers", "'layers' names no blocks"), ("layers:", "'layers:' names no blocks"),
    ("layers:norm", "invalid block 'norm' in 'layers:norm', expected a number"),
    ("layers:1+", "invalid block '' in 'layers:1+', expected a number"),
    ("layers:1+1", "block 1 is named twice in 'layers:1+1'"),
    (
      "layers:1:all",
      "option 'all' means nothing in 'layers:1:all', expected norm, nchw, prefix, raw, f16"
    ),
    ("layers:1:raw:norm", "'norm' and 'raw' cannot be combined in 'layers:1:raw:norm'"),
    ("layers:1:nchw:prefix", "'nchw' and 'prefix' cannot be combined in 'layers:1:nchw:prefix'"),
    ("attention", "'attention' does not say which weights"),
    (
      "attention:klass",
      "invalid block 'klass' in 'attention:klass', expected a number, 'class' or 'all'"
    ),
    ("attention:3:all", "option 'all' means nothing in 'attention:3:all', expected f16"),
    ("rollout:nchw", "option 'nchw' means nothing in 'rollout:nchw', expected f16"),
  ])
  func refuses(_ text: String, _ message: String) {
    let error = #expect(throws: Diagnostic.self) { try ModelOutput(parsing: text) }
    #expect(error?.message == message && error?.location == .argument("--outputs"))
    #expect(ModelOutput(rawValue: text) == nil)
  }

  @Test func readsLists() throws {
    #expect(try ModelOutput.list("features,tokens") == [.features, .tokens])
    #expect(
      try ModelOutput.list("layers:0,layers:0:norm,layers:1+2").flatMap(\.names)
        == ["layer0", "layer0_norm", "layer1", "layer2"])
    for (text, message) in [
      ("tokens,tokens", "duplicate output 'tokens'"),
      ("layers:1+2,layers:2", "duplicate output 'layer2'"),
    ] {
      let error = #expect(throws: Diagnostic.self) { try ModelOutput.list(text) }
      #expect(error?.message == message)
    }
    for text in ["", "tokens,", ",tokens"] {
      let error = #expect(throws: Diagnostic.self) { try ModelOutput.list(text) }
      #expect(error?.message.hasPrefix("an empty output") == true)
    }
  }

  @Test func countsFromTheEnd() throws {
    func counted(_ text: String) throws -> [String] {
      try ModelOutput(parsing: text).counted(of: 12).names
    }
    #expect(try counted("layers:-1+0:norm") == ["layer11_norm", "layer0_norm"])
    #expect(try counted("attention:-12") == ["attention_0"])
    #expect(try counted("rollout") == ["rollout"])
    for (text, message) in [
      ("layers:12", "there is no block 12, expected 0 to 11, or -1 to -12 from the end"),
      ("attention:-13", "there is no block -13, expected 0 to 11, or -1 to -12 from the end"),
      ("layers:11+-1", "block 11 is named twice"),
    ] {
      let error = #expect(throws: Diagnostic.self) { try counted(text) }
      #expect(error?.message == message)
    }
  }
}
