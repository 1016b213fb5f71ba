import Diagnostics

/// The models that are known by name.
public enum Variants {
  /// All variants, family by family, small ones first.
  public static let all = Families.all.flatMap { $0.variants }

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
    if let feature = MissingFeature.ofTimm(name) {
      throw Diagnostic(
        "'\(name)' needs \(feature), which vitc does not have", at: .argument(name),
        hint: "'vitc list' prints all names")
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
