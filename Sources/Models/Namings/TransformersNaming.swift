import Diagnostics

/// transformers' names: q, k and v apart; which ones, each family says.
struct TransformersNaming: Naming {
  static let title = "transformers' names"

  /// What precedes all names but the heads': `vit.`, `dinov2.`, or nothing in a file written from
  /// the bare model.
  var prefix: String
  /// All names of the file, which tell the spelling where it differs from file to file.
  private var names: Set<String> = []

  init(prefix: String) { self.prefix = prefix }

  init?(recognizing names: [String], by anchors: [Anchor]) {
    let all = Set(names)
    var shortest: String?
    for anchor in anchors {
      guard let first = anchor.first else { continue }
      for name in names where name == first || name.hasSuffix(".\(first)") {
        let prefix = String(name.dropLast(first.count))
        // transformers 5.23 leaves the prefix out before ViT-MSN's blocks.
        if anchor.allSatisfy({ all.contains(prefix + $0) || all.contains($0) }),
          prefix.count < shortest?.count ?? .max
        {
          shortest = prefix
        }
      }
    }
    guard let shortest else { return nil }
    prefix = shortest
    self.names = all
  }

  var convention: NumericsConvention { .huggingFace }
  var fusesQKV: Bool { false }
  var resizesPositions: Bool { false }

  func knows(_ names: StoredNames) -> Bool { names.transformers != nil }

  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    guard let match = names.transformers?.match(tensor.name) else { return nil }
    let isMatrix = match.row.layout == .matrix && match.leaf == "weight"
    let shape = tensor.type.shape
    let written = [match.stored] + match.others
    let bare = (written + written.flatMap { ModuleNames.spellings(of: $0) }).map { stored in
      [stored, match.leaf].compactMap { $0 }.joined(separator: ".")
    }
    let spelled = bare.map { prefix(of: match.row) + $0 } + bare
    var place = StoredTensor(
      spelled.first(where: self.names.contains) ?? spelled[0],
      [isMatrix ? Array(shape[..<2]) : shape])
    // A token or a table is stored with or without the extents of 1 before it.
    if match.leaf == nil { place.allowFewerDimensions() }
    if match.row.parts > 1 { place.cut(part: match.row.part, of: match.row.parts) }
    return place
  }

  /// What precedes the name of a row.
  private func prefix(of row: NameTable.Row) -> String {
    if row.isOutside { return "" }
    guard row.isBeside else { return prefix }
    // `clip.vision_model.` as `clip.`.
    let parts = prefix.split(separator: ".").dropLast()
    return parts.map { "\($0)." }.joined()
  }

  func ignores(_ name: String, _ names: StoredNames, headIsRead: Bool) -> Bool {
    if Buffers.contains(name) || names.transformers?.isUnread(name) == true { return true }
    let heads = ["classifier", "cls_classifier", "distillation_classifier"]
    return !headIsRead && heads.contains(String(name.prefix { $0 != "." }))
  }

  func hint(missing canonical: [String]) -> String? { nil }

  /// The file says whether there is a pooler.
  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) {
    let weight = TensorSpecification(name: "\(Pooler.name).weight", shape: [1, model.dim])
    if let width = place(weight, names)?.outputs(in: stored.checkpoint) {
      model.pooler = Pooler(width: width)
    }
  }
}
