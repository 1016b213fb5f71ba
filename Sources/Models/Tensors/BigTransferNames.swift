import IR

/// The tensor names of Google's Big Transfer (google-research/big_transfer), as its `.npz` files
/// have them: ResNets that were trained with TensorFlow 1.
///
/// Units are numbered from `unit01`; their convolutions are `a`, `b` and `c`, each with the norm
/// before it. Variable scopes that were entered again have a number, as in `standardized_conv2d_3`,
/// which means nothing.
public struct BigTransferNames: Hashable, Sendable {
  /// What stands before all names: `resnet/`, possibly behind a prefix.
  public var prefix: String
  /// The file's name of each array whose name has a number, by the name without it.
  private var numbered: [String: String] = [:]

  private static let scope = "standardized_conv2d"
  private static let anchor = "root_block/\(scope)/kernel"

  /// Finds the naming of a checkpoint with these tensors, or `nil` if it is another family's.
  public init?(_ names: [String]) {
    var prefix: String?
    for name in names {
      let plain = Self.withoutNumber(name)
      if plain != name { numbered[plain] = name }
      if plain.hasSuffix(Self.anchor), plain.count < (prefix?.count ?? .max) {
        prefix = String(plain.dropLast(Self.anchor.count))
      }
    }
    guard let prefix, prefix.isEmpty || prefix.hasSuffix("/") else { return nil }
    self.prefix = prefix
  }

  /// `a/standardized_conv2d_3/kernel` as `a/standardized_conv2d/kernel`.
  private static func withoutNumber(_ name: String) -> String {
    guard name.contains("\(scope)_") else { return name }
    return name.split(separator: "/", omittingEmptySubsequences: false).map { part in
      part.hasPrefix("\(scope)_") && part.dropFirst(scope.count + 1).allSatisfy(\.isNumber)
        ? scope : String(part)
    }.joined(separator: "/")
  }

  /// Where the file keeps a tensor of this canonical name and shape.
  func place(_ canonical: String, _ shape: [Int]) -> StoredTensor {
    let parts = canonical.split(separator: ".").map(String.init)
    guard let path = path(parts) else { return StoredTensor(prefix + canonical, [shape]) }
    let name = prefix + path
    return StoredTensor(numbered[name] ?? name, kernelOrVector: shape)
  }

  private func path(_ parts: [String]) -> String? {
    let leaf = parts.last == "weight" ? "gamma" : "beta"
    switch parts.first {
    case "stem": return Self.anchor
    case "norm": return "group_norm/\(leaf)"
    case "head": return "head/conv2d/\(parts.last == "weight" ? "kernel" : "bias")"
    case "stages":
      guard parts.count > 5, let stage = Int(parts[1]), let block = Int(parts[3]) else {
        return nil
      }
      let number = block < 9 ? "0\(block + 1)" : "\(block + 1)"
      let unit = "block\(stage + 1)/unit\(number)"
      if parts[4] == "downsample" { return "\(unit)/a/proj/\(Self.scope)/kernel" }
      let letters = ["1": "a", "2": "b", "3": "c"]
      guard let letter = letters[String(parts[4].suffix(1))] else { return nil }
      return parts[4].hasPrefix("conv")
        ? "\(unit)/\(letter)/\(Self.scope)/kernel" : "\(unit)/\(letter)/group_norm/\(leaf)"
    default: return nil
    }
  }

  /// `true` iff a tensor that the model does not read may be there: a step counter, or a head that
  /// is not read.
  func ignores(_ name: String, headIsRead: Bool) -> Bool {
    !name.hasPrefix(prefix) || (!headIsRead && name.hasPrefix("\(prefix)head/"))
  }
}
