import IR

/// The tensor names of Google's JAX code for Vision Transformers, as its `.npz` files have them.
///
/// They differ by age (google-research/vision_transformer, google-research/big_vision): the oldest
/// files number the modules of a block in one sequence (`LayerNorm_0`, `MultiHeadDotProduct…_1`,
/// `LayerNorm_2`, `MlpBlock_3`), newer ones for each kind; big_vision has a prefix, positions of
/// the patches alone at the top, and possibly one tensor for all blocks. Dumps of a training run
/// keep the weights under `opt/target/`, beside the optimizer's state. What a file has is found by
/// looking at its names.
public struct JAXNames: Hashable, Sendable {
  /// What stands before all names, such as `opt/target/`, `params/` or `params/img/`, or nothing.
  public var prefix = ""
  /// `true` iff one tensor holds those of all blocks, along its first axis.
  public var isStacked = false
  /// The names of a block's modules.
  public var attention = "MultiHeadDotProductAttention_1"
  /// The second norm's name.
  public var secondNorm = "LayerNorm_2"
  /// The MLP's name.
  public var mlp = "MlpBlock_3"
  /// The position table's name.
  public var positions = JAXNames.positionNames[0]
  /// `true` iff the file's model pools its tokens by attention, as SigLIP does.
  public var poolsByAttention = false
  /// Such a pooling's module.
  static let attentionPooling = "MAPHead_0"
  /// The names of all tensors outside the prefix are ignored.
  private static let anchor = "embedding/kernel"
  /// Where the position table may be: with a row for the class token in the first, of 2020; with or
  /// without one in the others.
  private static let positionNames = [
    "Transformer/posembed_input/pos_embedding", "pos_embedding", "Transformer/pos_embedding",
  ]

  /// Finds the naming of a checkpoint with these tensors, or `nil` if it is another family's.
  public init?(_ names: [String]) {
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

  /// Where the file keeps a tensor of this canonical name and shape.
  func place(_ canonical: String, _ shape: [Int], of model: ViTConfiguration) -> StoredTensor {
    let parts = canonical.split(separator: ".").map(String.init)
    guard parts.count > 3, parts[0] == "blocks", let index = Int(parts[1]) else {
      return trunk(canonical, shape)
    }
    let inner = parts[2..<parts.count - 1].joined(separator: ".")
    let suffix = parts[parts.count - 1]
    guard let module = blockModule(inner) else { return StoredTensor(prefix + canonical, [shape]) }
    let isNorm = inner.hasPrefix("norm")
    let leaf = suffix == "bias" ? "bias" : isNorm ? "scale" : "kernel"
    var place = StoredTensor("", [shape])
    let heads = [model.heads, model.dim / model.heads]
    switch (inner, suffix) {
    case ("attn.q", "weight"), ("attn.k", "weight"), ("attn.v", "weight"):
      place = dense(shape)
      place.shapes.insert([shape[1]] + heads, at: 0)
    case ("attn.q", "bias"), ("attn.k", "bias"), ("attn.v", "bias"): place.shapes = [heads, shape]
    case ("attn.proj", "weight"):
      place = dense(shape)
      place.shapes.insert(heads + [shape[0]], at: 0)
    case (_, "weight") where !isNorm: place = dense(shape)
    default: break
    }
    let block = isStacked ? "encoderblock" : "encoderblock_\(index)"
    place.name = "\(prefix)Transformer/\(block)/\(module)/\(leaf)"
    if isStacked {
      place.shapes = place.shapes.map { [model.depth] + $0 }
      place.layer = index
    }
    return place
  }

  private func blockModule(_ canonical: String) -> String? {
    switch canonical {
    case "norm1": "LayerNorm_0"
    case "norm2": secondNorm
    case "attn.q": "\(attention)/query"
    case "attn.k": "\(attention)/key"
    case "attn.v": "\(attention)/value"
    case "attn.proj": "\(attention)/out"
    case "mlp.fc1": "\(mlp)/Dense_0"
    case "mlp.fc2": "\(mlp)/Dense_1"
    default: nil
    }
  }

  private func trunk(_ canonical: String, _ shape: [Int]) -> StoredTensor {
    if canonical.hasPrefix(ViTConfiguration.trunkPrefix),
      let place = trunkPlace(
        String(canonical.dropFirst(ViTConfiguration.trunkPrefix.count)), shape)
    {
      return place
    }
    var place: StoredTensor
    switch canonical {
    case "patch_embed.proj.weight":
      place = StoredTensor("embedding/kernel", kernelOrVector: shape)
    case "patch_embed.proj.bias": place = StoredTensor("embedding/bias", [shape])
    case "cls_token": place = StoredTensor("cls", [shape])
    case "pos_embed": place = StoredTensor(positions, [shape, Array(shape.dropFirst())])
    case "norm.weight": place = StoredTensor("Transformer/encoder_norm/scale", [shape])
    case "norm.bias": place = StoredTensor("Transformer/encoder_norm/bias", [shape])
    case "pre_logits.weight", "head.weight":
      place = dense(shape)
      place.name = "\(canonical.prefix { $0 != "." })/kernel"
    case "pre_logits.bias", "head.bias":
      place = StoredTensor("\(canonical.prefix { $0 != "." })/bias", [shape])
    default: place = StoredTensor(canonical, [shape])
    }
    place.name = prefix + place.name
    return place
  }

  /// A dense kernel: stored `[inputs, outputs]`.
  private func dense(_ shape: [Int]) -> StoredTensor {
    StoredTensor(
      "", [[shape[1], shape[0]]],
      .transposed(positions: 1, inputs: shape[1], outputs: shape[0]))
  }

  /// `true` iff a tensor that the model does not read may be there: it lies outside the prefix (an
  /// optimizer's state, a text tower), or belongs to a head that is not read.
  func ignores(_ name: String, headIsRead: Bool) -> Bool {
    guard name.hasPrefix(prefix), !name.hasPrefix("opt/state/") else { return true }
    let module = name.dropFirst(prefix.count).prefix { $0 != "/" }
    return module == Self.attentionPooling || (!headIsRead && module == "head")
  }
}
