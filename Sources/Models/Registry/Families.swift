/// The families that vitc knows: a line for each file of `Families`.
enum Families {
  /// All of them, in the order of `vitc list`.
  static let all: [any Family.Type] = [
    BigTransfer.self, ResNetV2.self, Hybrid.self, ViT.self, AveragedViT.self, RegisterViT.self,
    RotaryViT.self,
    BlockVariantViT.self, SigLIP.self, SigLIPGap.self, CLIP.self, PerceptionEncoder.self, EVA.self,
    EVA02.self, BEiT3.self, AIMv2.self, FlexiViT.self, InternViT.self, TIPS.self, BLIP.self,
    Pixio.self, RADIO.self, NaFlexViT.self, YOLOS.self, DINOv2.self, DINOv3.self, BEiT.self,
    SAM.self, ViTDet.self, Swin.self,
    SwinV2.self, SwinV2CR.self,
    DeiT.self, DeiT3.self, Sapiens2.self, TestViT.self,
  ]

  /// The naming of a checkpoint with these tensors, or `nil` if vitc knows none such.
  static func naming(of names: [String]) -> (any Naming)? {
    Namings.recognized(names, by: anchors)
  }

  /// What transformers' checkpoints are known by.
  private static let anchors: [Anchor] = {
    let written = modelTypes.map(\.anchor)
    var seen: Set<Anchor> = []
    return (written + written.flatMap { ModuleNames.spellings(of: $0) }).filter {
      seen.insert($0).inserted
    }
  }()

  /// What reads folders of each `model_type` of transformers, by its name.
  static let modelTypes = all.flatMap { $0.modelTypes }.sorted { $0.modelType < $1.modelType }
}
