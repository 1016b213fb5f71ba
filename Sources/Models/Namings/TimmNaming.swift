import Diagnostics

/// timm's names: the canonical ones, with q, k and v in one tensor.
struct TimmNaming: Naming {
  static let title = "timm's names"

  /// What pretraining hides patches by, and what timm drops on loading.
  private static let unread: Set<String> = ["mask_token", "pre_logits"]

  init() {}

  init?(recognizing names: [String], by anchors: [Anchor]) {
    let anchors = [
      "patch_embed.proj.weight", "stem.conv.weight", "stem.conv1.weight",
      "patch_embed.backbone.0.conv.weight", "embeds.proj.weight",
    ]
    guard anchors.contains(where: names.contains) else { return nil }
    // TIPS v2's own names, which transformers keeps, are timm's but for a few.
    let own = ["blocks.0.mlp.c_fc.weight", "blocks.0.mlp.w12.weight"]
    if names.contains("register_tokens"), own.contains(where: names.contains) { return nil }
  }

  var convention: NumericsConvention { .timm }
  var fusesQKV: Bool { true }
  var resizesPositions: Bool { true }

  func knows(_ names: StoredNames) -> Bool { true }

  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    StoredTensor(tensor.name, [tensor.type.shape])
  }

  func ignores(_ name: String, _ names: StoredNames, headIsRead: Bool) -> Bool {
    if Buffers.contains(name) { return true }
    let unread = Self.unread.union(names.unreadOfTimm)
    if name.split(separator: ".").contains(where: { unread.contains(String($0)) }) { return true }
    let module = name.prefix { $0 != "." }
    return !headIsRead && (module == "head" || module == "head_dist")
  }

  func hint(missing canonical: [String]) -> String? { nil }

  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) {}
}
