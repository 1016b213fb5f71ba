import Diagnostics

/// A model that is known by name: one row of a family's table.
public struct Variant: Sendable {
  /// timm's name, such as `vit_base_patch16_224`; the papers', as `R50x2`, where timm has none.
  public let name: String
  /// The name in the papers, such as `ViT-B/16`, if it is another one.
  public let paperName: String?
  /// What defines it, with timm's number of classes, input size and preprocessing.
  let model: any Family

  init(_ model: any Family, paperName: String?) {
    name = model.name
    self.paperName = paperName
    self.model = model
  }

  /// What defines it, with timm's number of classes, input size and preprocessing.
  public var configuration: any ModelConfiguration { model }
  /// The epochs of each row that it has in the scaling study: table 6 of arXiv:2010.11929.
  public var studyEpochs: [Int] { Self.study[paperName ?? name] ?? [] }
  /// The number of elements of its tensors.
  public var parameters: Int {
    get throws(Diagnostic) { try model.parameters }
  }
  /// 10⁹ floating-point operations of one image: 2 for each multiply-add.
  public var gigaFlops: Double { 2e-9 * Double(model.multiplyAdds) }

  /// The 15 architectures of the scaling study's 18 rows, with the epochs of each row.
  private static let study = [
    "R50x1": [7], "R50x2": [7], "R101x1": [7], "R152x1": [7], "R152x2": [7, 14], "R200x3": [14],
    "ViT-B/32": [7], "ViT-B/16": [7], "ViT-L/32": [7], "ViT-L/16": [7, 14], "ViT-H/14": [14],
    "R50+ViT-B/32": [7], "R50+ViT-B/16": [7], "R50+ViT-L/32": [7], "R50+ViT-L/16": [7, 14],
  ]
}
