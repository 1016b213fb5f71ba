import Diagnostics
import Foundation
import Testing

@testable import Models

/// What surrounds a model's tensors in files that training code wrote.
@Suite struct WrapperTests {
  private static let timm = [
    "patch_embed.proj.weight", "cls_token", "blocks.0.norm1.weight", "head.weight",
  ]
  private static let hugging = [
    "vit.embeddings.cls_token", "vit.encoder.layer.0.attention.attention.query.weight",
    "classifier.weight",
  ]

  private func prefix(_ names: [String]) -> (prefix: String, names: [String])? {
    guard case .stripped(let prefix, let stored) = WrapperPrefix.find(in: names) else { return nil }
    return (prefix, stored.keys.sorted())
  }

  @Test(
    arguments: [timm, hugging],
    [
      "module.", "model.", "_orig_mod.", "timm_model.", "net.", "backbone.",
      "module._orig_mod.", "model.net.backbone.", "module.module.",
    ])
  func findsThePrefix(names: [String], wrapper: String) throws {
    let found = try #require(prefix(names.map { wrapper + $0 }))
    #expect(found.prefix == wrapper && found.names == names.sorted())
    // A counter beside it stays what it is.
    let counted = try #require(prefix(names.map { wrapper + $0 } + ["n_averaged"]))
    #expect(counted.names == (names + ["n_averaged"]).sorted())
  }

  /// The head lies beside the body, after a part of its prefix.
  @Test func findsHeadsBeside() throws {
    let names = [
      "model.backbone.patch_embed.proj.weight", "model.backbone.cls_token", "model.head.weight",
      "head_dist.weight",
    ]
    let found = try #require(prefix(names))
    #expect(found.prefix == "model.backbone.")
    #expect(
      found.names == ["cls_token", "head.weight", "head_dist.weight", "patch_embed.proj.weight"])
  }

  @Test func leavesWhatIsKnown() {
    for names in [Self.timm, Self.hugging, ["x"], []] { #expect(prefix(names) == nil) }
    // The backbone of a hybrid is a part of its own names.
    #expect(prefix(Self.timm + ["patch_embed.backbone.conv.weight"]) == nil)
    #expect(prefix(Self.timm.map { "student.\($0)" }) == nil)
  }

  @Test func saysWhatIsAmbiguous() {
    let twice = Self.timm.flatMap { ["module.\($0)", "model.\($0)"] }
    guard case .ambiguous(let both) = WrapperPrefix.find(in: twice) else {
      Issue.record("not ambiguous")
      return
    }
    #expect(both == "the names after 'model.' and 'module.' are each a model's")
    guard
      case .ambiguous(let head) = WrapperPrefix.find(
        in: Self.timm.map { "net.\($0)" } + ["head.weight"])
    else {
      Issue.record("not ambiguous")
      return
    }
    #expect(
      head == "without 'net.', 'net.head.weight' and 'head.weight' have the same name"
        || head == "without 'net.', 'head.weight' and 'net.head.weight' have the same name")
  }

  @Test(arguments: [
    ("n_averaged", [], true), ("n_averaged", [1], true), ("ema.num_updates", [], true),
    ("blocks.0.attn.total_ops", [1], true), ("optimizer.state.0.exp_avg", [4, 4], true),
    ("criterion.weight", [5], true), ("blocks.0.attn.relative_position_index", [4, 4], true),
    ("anything", [0], true), ("anything", [3, 0], true),
    // These have values that a model may need.
    ("n_averaged", [2], false), ("blocks.0.step", [8], false), ("mean", [3], false),
    ("normalize.std", [3, 1, 1], false), ("optimal.weight", [4], false),
  ])
  func knowsLeftovers(name: String, shape: [Int], isOne: Bool) {
    #expect(TrainingLeftover.contains(name, StoredType(.f32, shape)) == isOne)
  }

  @Test(arguments: [
    ([24, 5], [5, 24], "it is transposed"),
    ([5, 24, 1, 1], [5, 24], "it is a convolution of one"),
    ([5, 24], [5, 24, 1, 1], "it is a linear layer"),
    ([8, 4, 3, 16], [16, 3, 8, 4], "it has rows and columns first"),
    ([120], [5, 24], "as many values in another shape"),
  ])
  func explainsShapes(stored: [Int], expected: [Int], words: String) {
    #expect(
      TensorShape.explanation(of: stored, expected: expected)?.hasPrefix(words) == true)
    #expect(TensorShape.explanation(of: [7], expected: expected) == nil)
  }

  @Test func cutsLongLists() {
    #expect(ShortList.lines(["a", "b"]) == ["a", "b"])
    let many = ShortList.lines((0..<80_000).map { "\($0)" })
    #expect(many.count == 21 && many.last == "and 79 980 more")
    #expect(ShortList.text((0..<21).map { "\($0)" }).hasSuffix(", 18, 19, and 1 more"))
  }
}
