/// The namings that vitc knows.
enum Namings {
  /// All of them, in the order in which a checkpoint is asked.
  static let all: [any Naming.Type] = [
    TimmNaming.self, JAXNaming.self, BigTransferNaming.self, TransformersNaming.self,
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
