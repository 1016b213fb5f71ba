import Diagnostics

/// What checkpoints call the tensors of a text tower, beside those of an image encoder.
struct TextNaming: Naming {
  /// Whose names they are.
  enum Origin: Hashable, Sendable {
    /// transformers' CLIP and SigLIP: under `text_model.`, the projection beside it or, of SigLIP,
    /// in it.
    case transformers(isProjectionInside: Bool)
    /// transformers' AIMv2.
    case aimv2
    /// OpenCLIP's: at top level, or under `text.`; the projection is a matrix, or a layer with a
    /// bias.
    case openCLIP(isProjectionLayer: Bool)
    /// The names that graphs have: those of pseudo-random weights.
    case canonical
  }

  static let title = "the names of a text tower"

  private let origin: Origin
  /// What precedes the names of the tower.
  private let prefix: String
  /// What precedes those beside it.
  private let outside: String

  /// Nothing is recognized by itself: the folder says what its tower is.
  init?(recognizing names: [String], by anchors: [Anchor]) { return nil }

  /// Finds where a checkpoint keeps a tower; where it has none, the usual place.
  init(_ origin: Origin, in names: [String]) {
    self.origin = origin
    let anchor: String
    let usual: String
    switch origin {
    case .transformers, .aimv2:
      (anchor, usual) = ("embeddings.token_embedding.weight", "text_model.")
    case .openCLIP: (anchor, usual) = ("token_embedding.weight", "")
    case .canonical: (anchor, usual) = ("token_embed.weight", "")
    }
    let found = names.filter { $0 == anchor || $0.hasSuffix(".\(anchor)") }
      .min { ($0.count, $0) < ($1.count, $1) }
    prefix = found.map { String($0.dropLast(anchor.count)) } ?? usual
    let isOpenCLIP = if case .openCLIP = origin { true } else { false }
    let isNested = prefix.hasSuffix("text_model.") && !isOpenCLIP
    outside = isNested ? String(prefix.dropLast("text_model.".count)) : prefix
  }

  var convention: NumericsConvention {
    switch origin {
    case .transformers, .aimv2: .huggingFace
    case .openCLIP, .canonical: .timm
    }
  }
  var fusesQKV: Bool {
    switch origin {
    case .transformers, .aimv2: false
    case .openCLIP, .canonical: true
    }
  }
  var resizesPositions: Bool { false }

  func knows(_ names: StoredNames) -> Bool { true }

  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    let shape = tensor.type.shape
    guard origin != .canonical else { return StoredTensor(tensor.name, [shape]) }
    guard let match = table.match(tensor.name) else { return nil }
    let name = [match.stored, match.leaf].compactMap { $0 }.joined(separator: ".")
    var place = StoredTensor((match.row.isBeside ? outside : prefix) + name, [shape])
    if match.row.layout == .dense { place.transpose(shape) }
    return place
  }

  private var table: NameTable {
    switch origin {
    case .transformers(let isInside):
      .textOfCLIP.adding("proj", isInside ? "head" : .init("text_projection", isBeside: true))
    case .aimv2: .textOfAIMv2
    case .openCLIP(let isLayer):
      .textOfOpenCLIP.adding(
        isLayer ? "proj" : "proj.weight",
        isLayer ? "text_projection" : .init("text_projection", .dense))
    case .canonical: [:]
    }
  }

  /// Everything outside of the tower: the image encoder, and what compares.
  func ignores(_ name: String, _ names: StoredNames, headIsRead: Bool) -> Bool {
    if Buffers.contains(name) { return true }
    guard name.hasPrefix(prefix) else { return true }
    let rest = name.dropFirst(prefix.count)
    return ["visual.", "logit_scale", "logit_bias"].contains { rest.hasPrefix($0) }
  }

  func hint(missing canonical: [String]) -> String? {
    canonical.contains("token_embed.weight")
      ? "the checkpoint has no text tower: it is an image encoder alone" : nil
  }

  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) {}

  // MARK: Comparison

  /// The tensor of the logarithm of the scale, and that of the bias.
  var comparison: (scale: String, bias: String) {
    switch origin {
    case .transformers, .aimv2: ("\(outside)logit_scale", "\(outside)logit_bias")
    case .openCLIP, .canonical: ("logit_scale", "logit_bias")
    }
  }
}

extension NameTable {
  /// transformers' names of CLIP's and SigLIP's text towers, but for the projection.
  fileprivate static let textOfCLIP: NameTable =
    [
      "token_embed": "embeddings.token_embedding",
      "pos_embed": "embeddings.position_embedding.weight",
      "norm": "final_layer_norm",
    ] + NameTable.blocksOfTransformersCLIP

  /// transformers' names of AIMv2's text tower.
  fileprivate static let textOfAIMv2: NameTable = [
    "token_embed": "embeddings.token_embedding",
    "pos_embed": "embeddings.position_embedding.weight",
    "blocks.{i}.norm1": "encoder.layers.{i}.rms_norm1",
    "blocks.{i}.attn.q": "encoder.layers.{i}.attention.q_proj",
    "blocks.{i}.attn.k": "encoder.layers.{i}.attention.k_proj",
    "blocks.{i}.attn.v": "encoder.layers.{i}.attention.v_proj",
    "blocks.{i}.attn.proj": "encoder.layers.{i}.attention.out_proj",
    "blocks.{i}.norm2": "encoder.layers.{i}.rms_norm2",
    "blocks.{i}.mlp.fc1_g": "encoder.layers.{i}.ffn.gate_proj",
    "blocks.{i}.mlp.fc1_x": "encoder.layers.{i}.ffn.up_proj",
    "blocks.{i}.mlp.fc2": "encoder.layers.{i}.ffn.down_proj",
    "norm": "rms_norm",
    "proj": Row("text_projection", isBeside: true),
  ]

  /// OpenCLIP's names of its own text transformer, but for the projection.
  fileprivate static let textOfOpenCLIP: NameTable = [
    "token_embed": "token_embedding",
    "pos_embed": "positional_embedding",
    "blocks.{i}.norm1": "transformer.resblocks.{i}.ln_1",
    "blocks.{i}.attn.qkv.weight": "transformer.resblocks.{i}.attn.in_proj_weight",
    "blocks.{i}.attn.qkv.bias": "transformer.resblocks.{i}.attn.in_proj_bias",
    "blocks.{i}.attn.proj": "transformer.resblocks.{i}.attn.out_proj",
    "blocks.{i}.ls1.gamma": "transformer.resblocks.{i}.ls_1.gamma",
    "blocks.{i}.norm2": "transformer.resblocks.{i}.ln_2",
    "blocks.{i}.mlp.fc1": "transformer.resblocks.{i}.mlp.c_fc",
    "blocks.{i}.mlp.fc2": "transformer.resblocks.{i}.mlp.c_proj",
    "blocks.{i}.ls2.gamma": "transformer.resblocks.{i}.ls_2.gamma",
    "norm": "ln_final",
  ]
}
