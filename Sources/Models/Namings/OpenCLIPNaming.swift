import Diagnostics

/// The tensor names of OpenCLIP and of OpenAI's CLIP: the image encoder under `visual.`, its own
/// Vision Transformer or, under `visual.trunk.`, one of timm's.
struct OpenCLIPNaming: Naming {
  static let title = "OpenCLIP's names"

  /// `true` iff the image encoder is a model of timm's.
  let isTower: Bool

  private static let prefix = "visual."
  private static let tower = "visual.trunk."

  init(isTower: Bool) { self.isTower = isTower }

  init?(recognizing names: [String], by anchors: [Anchor]) {
    let all = Set(names)
    if all.contains("\(Self.tower)patch_embed.proj.weight") {
      isTower = true
    } else if all.contains("\(Self.prefix)conv1.weight"),
      all.contains("\(Self.prefix)transformer.resblocks.0.attn.in_proj_weight")
    {
      isTower = false
    } else {
      return nil
    }
  }

  var convention: NumericsConvention { .timm }
  var fusesQKV: Bool { true }
  var resizesPositions: Bool { true }

  func knows(_ names: StoredNames) -> Bool { isTower || names.openCLIP != nil }

  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    let shape = tensor.type.shape
    guard !isTower else { return towerPlace(tensor) }
    guard let match = names.openCLIP?.match(tensor.name) else { return nil }
    let name = [match.stored, match.leaf].compactMap { $0 }.joined(separator: ".")
    var place = StoredTensor(Self.prefix + name, [shape])
    if match.row.layout == .dense { place.transpose(shape) }
    if match.leaf == nil { place.allowFewerDimensions() }
    return place
  }

  /// A projection of its own is beside the model; one that is the model's head is inside it.
  private func towerPlace(_ tensor: TensorSpecification) -> StoredTensor? {
    let shape = tensor.type.shape
    switch tensor.name {
    case "proj.fc1.weight", "proj.fc1.bias", "proj.fc2.weight", "proj.fc2.bias":
      return StoredTensor("\(Self.prefix)head.mlp.\(tensor.name.dropFirst(5))", [shape])
    case "proj.weight": return StoredTensor("\(Self.prefix)head.proj.weight", [shape])
    case "proj.bias": return StoredTensor("\(Self.prefix)head.proj.bias", [shape])
    default: return StoredTensor(Self.tower + tensor.name, [shape])
    }
  }

  /// Everything outside of the image encoder, and its projection where a model without is wanted.
  func ignores(_ name: String, _ names: StoredNames, headIsRead: Bool) -> Bool {
    guard name.hasPrefix(Self.prefix), !Buffers.contains(name) else { return true }
    guard !headIsRead else { return false }
    let rest = name.dropFirst((isTower ? Self.tower : Self.prefix).count)
    return isTower ? rest.hasPrefix("head.") : rest == "proj"
  }

  func hint(missing canonical: [String]) -> String? { nil }

  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) {}
}
