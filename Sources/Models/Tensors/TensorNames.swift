/// How a checkpoint names and lays out a model's tensors.
public enum TensorNames: Hashable, Sendable {
  /// timm: the canonical names themselves, with q, k and v in one tensor.
  case timm
  /// transformers: q, k and v apart. `prefix` stands before all names but the heads': `vit.`,
  /// `dinov2.`, or nothing in a file written from the bare model.
  case transformers(TransformersFamily, prefix: String)
  /// Google's JAX code: q, k and v apart, kernels transposed.
  case jax(JAXNames)
  /// Google's Big Transfer: kernels transposed.
  case bigTransfer(BigTransferNames)

  /// `true` iff q, k and v are one tensor `blocks.i.attn.qkv`.
  public var fusesQKV: Bool { self == .timm }

  /// Whose arithmetic checkpoints of these names were made for.
  public var convention: NumericsConvention {
    switch self {
    case .timm: .timm
    case .transformers: .huggingFace
    case .jax, .bigTransfer: .jax
    }
  }

  /// `true` iff every tensor is stored as the model reads it, under a name of its own.
  var keepsArrangement: Bool {
    switch self {
    case .timm: true
    case .transformers(let family, _): family != .bit
    case .jax, .bigTransfer: false
    }
  }

  /// Where the checkpoint keeps one of the model's tensors.
  func place(_ tensor: TensorSpecification, of model: any ModelConfiguration) -> StoredTensor {
    let (name, shape) = (tensor.name, tensor.type.shape)
    switch (self, model) {
    case (.transformers(let family, let prefix), let model as ViTConfiguration):
      return StoredTensor(Self.transformersName(name, family, prefix, model), [shape])
    case (.transformers(_, let prefix), is ResNetConfiguration):
      // The head is a matrix there.
      return StoredTensor(
        Self.bitName(name, prefix), [name == "head.fc.weight" ? Array(shape[..<2]) : shape])
    case (.jax(let names), let model as ViTConfiguration):
      return names.place(name, shape, of: model)
    case (.bigTransfer(let names), is ResNetConfiguration): return names.place(name, shape)
    case (.timm, _), (.transformers, _), (.jax, _), (.bigTransfer, _):
      return StoredTensor(name, [shape])
    }
  }

  private static func transformersName(
    _ canonical: String, _ family: TransformersFamily, _ prefix: String, _ model: ViTConfiguration
  ) -> String {
    if canonical.hasPrefix(ViTConfiguration.trunkPrefix) {
      return bitName(
        String(canonical.dropFirst(ViTConfiguration.trunkPrefix.count)),
        "\(prefix)embeddings.patch_embeddings.backbone.bit.")
    }
    let parts = canonical.split(separator: ".").map(String.init)
    if parts[0] == "head" || parts[0] == "head_dist" {
      return ([headName(parts[0], of: model)] + parts.dropFirst()).joined(separator: ".")
    }
    if parts.count > 3, parts[0] == "blocks" {
      let inner = parts[2..<parts.count - 1].joined(separator: ".")
      let last = parts[parts.count - 1]
      if last == "gamma" {
        return "\(prefix)encoder.layer.\(parts[1]).layer_scale\(inner.suffix(1)).lambda1"
      }
      return "\(prefix)encoder.layer.\(parts[1]).\(family.blockName(inner, of: model)).\(last)"
    }
    return prefix + trunkName(canonical)
  }

  /// The name of a ResNet's tensor, whose head lies outside of what the prefix is for.
  private static func bitName(_ canonical: String, _ prefix: String) -> String {
    var parts = canonical.split(separator: ".").map(String.init)
    switch parts[0] {
    case "head": return "classifier.1.\(parts[parts.count - 1])"
    case "stem":
      parts[0] = "embedder"
      if parts[1] == "conv" { parts[1] = "convolution" }
    case "stages":
      parts[0] = "encoder.stages"
      if parts.count > 2 { parts[2] = "layers" }
    default: break
    }
    return prefix + parts.joined(separator: ".")
  }

  private static func headName(_ canonical: String, of model: ViTConfiguration) -> String {
    if canonical == "head_dist" { return "distillation_classifier" }
    return model.pooling == .distilled ? "cls_classifier" : "classifier"
  }

  private static func trunkName(_ canonical: String) -> String {
    switch canonical {
    case "cls_token": "embeddings.cls_token"
    case "dist_token": "embeddings.distillation_token"
    case "reg_token": "embeddings.register_tokens"
    case "pos_embed": "embeddings.position_embeddings"
    case "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight"
    case "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias"
    case "norm.weight": "layernorm.weight"
    case "norm.bias": "layernorm.bias"
    default: canonical
    }
  }

  /// `true` iff a tensor that the model does not read may be there: it belongs to training, to a
  /// head that was not asked for, or is a buffer.
  ///
  /// `mask_token` and `decoder` serve masked-image training; `pooler` is transformers' extra dense
  /// layer, which no classification head reads; `position_ids` and `num_batches_tracked` are
  /// buffers; `pre_logits` is what timm drops on loading.
  func ignores(_ name: String, headIsRead: Bool) -> Bool {
    if case .jax(let names) = self { return names.ignores(name, headIsRead: headIsRead) }
    if case .bigTransfer(let names) = self { return names.ignores(name, headIsRead: headIsRead) }
    let parts = name.split(separator: ".").map(String.init)
    let always: Set<String> = [
      "mask_token", "pooler", "position_ids", "num_batches_tracked", "decoder", "pre_logits",
      "lm_head",
    ]
    if parts.contains(where: always.contains) { return true }
    let heads: Set<String> = [
      "head", "head_dist", "classifier", "cls_classifier", "distillation_classifier",
    ]
    return !headIsRead && parts.first.map(heads.contains) == true
  }
}

/// The transformers model types that vitc reads.
public enum TransformersFamily: String, Hashable, Sendable, CaseIterable {
  /// `ViTModel` and its heads.
  case vit
  /// `DeiTModel`: always with a distillation token.
  case deit
  /// `Dinov2Model`.
  case dinov2
  /// `Dinov2WithRegistersModel`.
  case dinov2WithRegisters = "dinov2_with_registers"
  /// `ViTHybridModel`: a ViT behind a `BitBackbone`.
  case vitHybrid = "vit-hybrid"
  /// `BitModel`.
  case bit

  /// What stands before the trunk's names in a file written from a model with a head.
  var prefix: String { self == .vitHybrid ? "vit." : "\(rawValue)." }

  var isDinov2: Bool { self == .dinov2 || self == .dinov2WithRegisters }

  /// The name inside a block, without `weight` and `bias`.
  fileprivate func blockName(_ canonical: String, of model: ViTConfiguration) -> String {
    let isGated = model.feedForward == .gated
    switch canonical {
    case "attn.q": return "attention.attention.query"
    case "attn.k": return "attention.attention.key"
    case "attn.v": return "attention.attention.value"
    case "attn.proj": return "attention.output.dense"
    case "norm1": return isDinov2 ? "norm1" : "layernorm_before"
    case "norm2": return isDinov2 ? "norm2" : "layernorm_after"
    case "mlp.fc1": return isGated ? "mlp.weights_in" : isDinov2 ? "mlp.fc1" : "intermediate.dense"
    case "mlp.fc2": return isGated ? "mlp.weights_out" : isDinov2 ? "mlp.fc2" : "output.dense"
    default: return canonical
    }
  }
}
