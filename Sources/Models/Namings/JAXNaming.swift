import Diagnostics

/// The tensor names of Google's JAX code for Vision Transformers, as its `.npz` files have them.
///
/// They differ by age (google-research/vision_transformer, google-research/big_vision): the oldest
/// files number the modules of a block in one sequence (`LayerNorm_0`, `MultiHeadDotProduct…_1`,
/// `LayerNorm_2`, `MlpBlock_3`), newer ones for each kind; big_vision has a prefix, positions of
/// the patches alone at the top, and possibly one tensor for all blocks. Dumps of a training run
/// keep the weights under `opt/target/`, beside the optimizer's state. What a file has is found by
/// looking at its names.
struct JAXNaming: Naming {
  static let title = "the names of Google's JAX code"

  /// What precedes all names, such as `opt/target/`, `params/` or `params/img/`, or nothing.
  var prefix = ""
  /// `true` iff one tensor holds those of all blocks, along its first axis.
  var isStacked = false
  /// The names of a block's modules.
  var attention = "MultiHeadDotProductAttention_1"
  /// The second norm's name.
  var secondNorm = "LayerNorm_2"
  /// The MLP's name.
  var mlp = "MlpBlock_3"
  /// The position table's name.
  var positions = JAXNaming.positionNames[0]
  /// `true` iff the file's model pools its tokens by attention, as SigLIP does.
  var poolsByAttention = false
  /// Such a pooling's module.
  static let attentionPooling = "MAPHead_0"
  /// The names of all tensors outside the prefix are ignored.
  private static let anchor = "embedding/kernel"
  /// Where the position table may be: with a row for the class token in the first, of 2020; with or
  /// without one in the others.
  private static let positionNames = [
    "Transformer/posembed_input/pos_embedding", "pos_embedding", "Transformer/pos_embedding",
  ]

  init?(recognizing names: [String], by anchors: [Anchor]) {
    let all = Set(names)
    let prefixes = names.filter { $0.hasSuffix(Self.anchor) }
      .map { String($0.dropLast(Self.anchor.count)) }
      .filter { prefix in
        (prefix.isEmpty || prefix.hasSuffix("/")) && !prefix.contains("opt/state/")
          && all.contains(prefix + "Transformer/encoder_norm/scale")
      }
    guard let prefix = prefixes.min(by: { ($0.count, $0) < ($1.count, $1) }) else { return nil }
    self.prefix = prefix
    isStacked = all.contains(prefix + "Transformer/encoderblock/LayerNorm_0/scale")
    let block = prefix + (isStacked ? "Transformer/encoderblock/" : "Transformer/encoderblock_0/")
    func has(_ module: String) -> Bool { names.contains { $0.hasPrefix("\(block)\(module)/") } }
    if has("MultiHeadDotProductAttention_0") { attention = "MultiHeadDotProductAttention_0" }
    if has("LayerNorm_1") { secondNorm = "LayerNorm_1" }
    if has("MlpBlock_0") { mlp = "MlpBlock_0" }
    poolsByAttention = names.contains { $0.hasPrefix("\(prefix)\(Self.attentionPooling)/") }
    positions =
      Self.positionNames.first { all.contains(prefix + $0) } ?? Self.positionNames[0]
  }

  var convention: NumericsConvention { .jax }
  var fusesQKV: Bool { false }
  var resizesPositions: Bool { true }

  func knows(_ names: StoredNames) -> Bool { names.jax != nil }

  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    guard let table = names.jax, let match = table.match(tensor.name) else { return nil }
    let shape = tensor.type.shape
    var place = StoredTensor(prefix + spelled(match.stored), [shape])
    guard let leaf = match.leaf else {
      if match.row.layout == .positions { place.shapes.append(Array(shape.dropFirst())) }
      return place
    }
    let isWeight = leaf == "weight"
    var leafName = isWeight ? "kernel" : "bias"
    switch match.row.layout {
    case .norm: if isWeight { leafName = "scale" }
    case .groupNorm:
      if isWeight { leafName = "scale" }
      place = StoredTensor(place.name, kernelOrVector: shape)
    case .dense: if isWeight { place.transpose(shape) }
    case .toHeads(let heads):
      if isWeight { place.transpose(shape) }
      let split = [heads, shape[0] / heads]
      place.shapes.insert(isWeight ? [shape[1]] + split : split, at: 0)
    case .fromHeads(let heads):
      if isWeight {
        place.transpose(shape)
        place.shapes.insert([heads, shape[1] / heads, shape[0]], at: 0)
      }
    case .convolution: if isWeight { place = StoredTensor(place.name, kernelOrVector: shape) }
    case .same, .matrix, .positions: return nil
    }
    place.name += "/\(leafName)"
    if isStacked, let index = match.numbers.first,
      let range = place.name.firstRange(of: "encoderblock_\(index)/")
    {
      place.name.replaceSubrange(range, with: "encoderblock/")
      place.shapes = place.shapes.map { [table.blocks] + $0 }
      place.layer = index
    }
    return place
  }

  /// The name as this file spells it.
  private func spelled(_ stored: String) -> String {
    stored.replacing("{attention}", with: attention).replacing("{norm2}", with: secondNorm)
      .replacing("{mlp}", with: mlp).replacing("{positions}", with: positions)
  }

  /// A tensor lies outside the prefix (an optimizer's state, a text tower), or belongs to a head
  /// that is not read.
  func ignores(_ name: String, _ names: StoredNames, headIsRead: Bool) -> Bool {
    guard name.hasPrefix(prefix), !name.hasPrefix("opt/state/") else { return true }
    let module = name.dropFirst(prefix.count).prefix { $0 != "/" }
    return module == Self.attentionPooling || (!headIsRead && module == "head")
  }

  func hint(missing canonical: [String]) -> String? {
    canonical == ["cls_token"]
      ? "the file's model has no class token: name a variant without one, of 'vitc list''s "
        + "families gap and siglip" : nil
  }
}
