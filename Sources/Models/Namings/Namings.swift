/// The namings that vitc knows.
enum Namings {
  /// All of them, in the order in which a checkpoint is asked.
  static let all: [any Naming.Type] = [
    TimmNaming.self, JAXNaming.self, BigTransferNaming.self, OpenCLIPNaming.self,
    TransformersNaming.self,
  ]

  /// Returns the naming of a checkpoint with these tensors, or `nil` if vitc knows none such.
  static func recognized(_ names: [String], by anchors: [Anchor]) -> (any Naming)? {
    for kind in all {
      if let naming = kind.init(recognizing: names, by: anchors) { return naming }
    }
    return nil
  }

  /// What a checkpoint looks like that vitc has no names for, as the end of a hint.
  static func description(ofUnknown names: [String]) -> String? {
    func any(_ part: String) -> Bool { names.contains { $0.contains(part) } }
    if any("transformer.resblocks.") {
      return "these look like OpenCLIP's names, but 'visual.conv1.weight' is missing"
    }
    if any("vision_model.encoder.layers.") {
      return "these look like the names of transformers' CLIP or SigLIP, but their embeddings are "
        + "missing"
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
