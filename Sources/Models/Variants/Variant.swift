import Diagnostics

/// A model that is known by name: one row of a table.
public struct Variant: Sendable {
  /// timm's name, such as `vit_base_patch16_224`; the papers', as `R50x2`, where timm has none.
  public let name: String
  /// The name in the papers, such as `ViT-B/16`, if it is another one.
  public let paperName: String?
  /// What defines it, with timm's number of classes, input size and preprocessing.
  public let configuration: any ModelConfiguration

  /// The epochs of each row that it has in the scaling study: table 6 of arXiv:2010.11929.
  public var studyEpochs: [Int] { Variants.study[paperName ?? name] ?? [] }
  /// The number of elements of its tensors.
  public var parameters: Int { configuration.parameters }
  /// 10⁹ floating-point operations of one image: 2 for each multiply-add.
  public var gigaFlops: Double { 2e-9 * Double(configuration.multiplyAdds) }
}

/// The models that are known by name.
public enum Variants {
  /// All variants, family by family, small ones first.
  public static let all = ResNetTable.all + HybridTable.all + VariantTable.all

  /// The 15 architectures of the scaling study's 18 rows, with the epochs of each row.
  static let study = [
    "R50x1": [7], "R50x2": [7], "R101x1": [7], "R152x1": [7], "R152x2": [7, 14], "R200x3": [14],
    "ViT-B/32": [7], "ViT-B/16": [7], "ViT-L/32": [7], "ViT-L/16": [7, 14], "ViT-H/14": [14],
    "R50+ViT-B/32": [7], "R50+ViT-B/16": [7], "R50+ViT-L/32": [7], "R50+ViT-L/16": [7, 14],
  ]

  /// All names that `named` understands.
  public static var allNames: [String] {
    all.flatMap { [$0.name] + ($0.paperName.map { [$0] } ?? []) }
  }

  /// Returns the variant of this name: timm's or the paper's.
  ///
  /// Case, and `_` for `-` or `/`, do not count unless two variants then share the name (`ViT-g/14`
  /// and `ViT-G/14`). The paper's names may end in `-224`, and hybrids may be called `R26+S/32`.
  public static func named(_ name: String) throws(Diagnostic) -> Variant {
    if let variant = all.first(where: { $0.name == name || $0.paperName == name }) {
      return variant
    }
    let wanted = simplified(name)
    let found = all.filter { variant in
      let paper = variant.paperName ?? variant.name
      let names = [variant.name, paper, "\(paper)-224"]
      return names.contains { simplified($0) == wanted }
    }
    if found.count == 1 { return found[0] }
    if found.count > 1 {
      let names = found.map { "'\($0.paperName ?? $0.name)'" }.joined(separator: " and ")
      throw Diagnostic("'\(name)' could be \(names)", at: .argument(name))
    }
    throw Diagnostic(
      "no model of this name, and no such folder", at: .argument(name),
      hint: Suggestion.hint(for: name, in: allNames) ?? "'vitc list' prints all names")
  }

  private static func simplified(_ name: String) -> String {
    name.lowercased().replacing("_", with: "-").replacing("/", with: "-")
      .replacing("+vit-", with: "+")
  }
}
