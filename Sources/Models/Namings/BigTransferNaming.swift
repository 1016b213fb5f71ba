import Diagnostics

/// The tensor names of Google's Big Transfer (google-research/big_transfer), as its `.npz` files
/// have them: ResNets that were trained with TensorFlow 1.
///
/// Variable scopes that were entered again have a number, as in `standardized_conv2d_3`, which
/// means nothing. Kernels are transposed.
struct BigTransferNaming: Naming {
  static let title = "the names of Google's Big Transfer"

  /// What precedes all names: `resnet/`, possibly after a prefix.
  var prefix: String
  /// The file's name of each array whose name has a number, by the name without it.
  private var numbered: [String: String] = [:]

  private static let scope = "standardized_conv2d"
  private static let anchor = "root_block/\(scope)/kernel"

  init?(recognizing names: [String], by anchors: [Anchor]) {
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

  var convention: NumericsConvention { .jax }
  var fusesQKV: Bool { false }
  var resizesPositions: Bool { false }

  func knows(_ names: StoredNames) -> Bool { names.bigTransfer != nil }

  func place(_ tensor: TensorSpecification, _ names: StoredNames) -> StoredTensor? {
    guard let match = names.bigTransfer?.match(tensor.name), let leaf = match.leaf else {
      return nil
    }
    let leafName: String
    switch match.row.layout {
    case .groupNorm: leafName = leaf == "weight" ? "gamma" : "beta"
    case .convolution: leafName = leaf == "weight" ? "kernel" : "bias"
    case .same, .norm, .dense, .toHeads, .fromHeads, .matrix, .positions: return nil
    }
    let name = "\(prefix)\(match.stored)/\(leafName)"
    return StoredTensor(numbered[name] ?? name, kernelOrVector: tensor.type.shape)
  }

  /// Also a step counter.
  func ignores(_ name: String, _ names: StoredNames, headIsRead: Bool) -> Bool {
    !name.hasPrefix(prefix) || (!headIsRead && name.hasPrefix("\(prefix)head/"))
  }

  func hint(missing canonical: [String]) -> String? { nil }

  func adapt(
    _ model: inout VisionTransformer, _ names: StoredNames, _ stored: inout StoredModel
  ) {}
}
