import Diagnostics

/// transformers' names: q, k and v apart; which ones, each family says.
struct TransformersNaming: Naming {
  static let title = "transformers' names"

  /// What precedes all names but the heads': `vit.`, `dinov2.`, or nothing in a file written from
  /// the bare model.
  var prefix: String

  init(prefix: String) { self.prefix = prefix }

  init?(recognizing names: [String], by anchors: [Anchor]) {
    let all = Set(names)
    var shortest: String?
    for anchor in anchors {
      guard let first = anchor.first else { continue }
      for name in names where name == first || name.hasSuffix(".\(first)") {
        let prefix = String(name.dropLast(first.count))
        if anchor.allSatisfy({ all.contains(prefix + $0) }),
          prefix.count < shortest?.count ?? .max
        {
          shortest = prefix
        }
      }
    }
    guard let shortest else { return nil }
    prefix = shortest
  }

  var convention: NumericsConvention { .huggingFace }
  var fusesQKV: Bool { false }
  var resizesPositions: Bool { false }

  func knows(_ names: StoredNames) -> Bool { names.transformers != nil }

  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    guard let match = names.transformers?.match(tensor.name) else { return nil }
    let name = [match.stored, match.leaf].compactMap { $0 }.joined(separator: ".")
    let isMatrix = match.row.layout == .matrix && match.leaf == "weight"
    let shape = tensor.type.shape
    return StoredTensor(
      match.row.isOutside ? name : prefix + name, [isMatrix ? Array(shape[..<2]) : shape])
  }

  func ignores(_ name: String, headIsRead: Bool) -> Bool {
    if UnreadTensors.contains(name) { return true }
    let heads = ["classifier", "cls_classifier", "distillation_classifier"]
    return !headIsRead && heads.contains(String(name.prefix { $0 != "." }))
  }

  func hint(missing canonical: [String]) -> String? { nil }

  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) {}
}
