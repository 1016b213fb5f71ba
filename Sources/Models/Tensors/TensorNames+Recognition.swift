extension TensorNames {
  /// Returns the naming of a checkpoint with these tensors, or `nil` if vitc knows none such.
  static func recognized(_ names: [String]) -> TensorNames? {
    if names.contains("patch_embed.proj.weight") || names.contains("stem.conv.weight") {
      return .timm
    }
    if let names = JAXNames(names) { return .jax(names) }
    if let names = BigTransferNames(names) { return .bigTransfer(names) }
    return transformers(names)
  }

  /// transformers' names: the prefix and what only one family has tell the families apart.
  private static func transformers(_ names: [String]) -> TensorNames? {
    if let prefix = bitPrefix(names) { return .transformers(.bit, prefix: prefix) }
    let anchor = "embeddings.cls_token"
    guard let found = names.first(where: { $0 == anchor || $0.hasSuffix(".\(anchor)") }) else {
      return nil
    }
    let prefix = String(found.dropLast(anchor.count))
    let block = "\(prefix)encoder.layer.0."
    guard names.contains(where: { $0.hasPrefix("\(block)attention.attention.query.") }) else {
      return nil
    }
    let all = Set(names)
    let family: TransformersFamily =
      if all.contains("\(block)layer_scale1.lambda1") {
        all.contains("\(prefix)embeddings.register_tokens") ? .dinov2WithRegisters : .dinov2
      } else if all.contains("\(prefix)embeddings.distillation_token") {
        .deit
      } else {
        names.contains { $0.hasPrefix("\(prefix)embeddings.patch_embeddings.backbone.") }
          ? .vitHybrid : .vit
      }
    return .transformers(family, prefix: prefix)
  }

  /// What stands before the names of transformers' ResNets.
  private static func bitPrefix(_ names: [String]) -> String? {
    let anchor = "embedder.convolution.weight"
    return ["", TransformersFamily.bit.prefix].first { names.contains($0 + anchor) }
  }

  /// What a checkpoint looks like that vitc has no names for, as the end of a hint.
  static func description(ofUnknown names: [String]) -> String? {
    func any(_ part: String) -> Bool { names.contains { $0.contains(part) } }
    if any("transformer.resblocks.") {
      return "these are OpenAI CLIP's or OpenCLIP's names; vitc reads timm's: load the model in "
        + "timm, which translates them, and save its state_dict()"
    }
    if any("vision_model.encoder.layers.") || any("self_attn.q_proj.") {
      return "these are the names of transformers' CLIP or SigLIP; vitc reads timm's files of "
        + "these models"
    }
    if any("encoder.layer.") || any("encoder/layer/") {
      return "these look like transformers' names of a model that vitc does not know"
    }
    if any("blocks.0.") {
      return "these look like timm's names under a prefix; save the tensors without it"
    }
    if any("encoderblock_0") || any("MultiHeadDotProductAttention") {
      return "these look like the names of Google's JAX code, but 'embedding/kernel' or "
        + "'Transformer/encoder_norm/scale' is missing"
    }
    return nil
  }
}
