/// What the tokens of a model are in the image, and which of them see each other.
public enum TokenGeometry: Hashable, Sendable {
  /// In every block each token attends to all: tokens before the patches, then patches row by row.
  case grid(TokenGrid)
  /// Tokens are the places of a map, and most of them attend within windows.
  case windows
  /// Places of maps that convolutions make; nothing attends.
  case convolutions
}

/// Tokens that all see each other.
public struct TokenGrid: Hashable, Sendable {
  /// Whose rows the model's answer is made of.
  public enum Reader: Hashable, Sendable {
    /// The first tokens, each as much as the others: the class token, or several.
    case first(Int)
    /// All patches alike, by their mean.
    case patches
    /// What a learned query gathers from the tokens after the last block.
    case query
  }

  /// The number of rows of patches.
  public var rows: Int
  /// The number of columns of patches.
  public var columns: Int
  /// The number of tokens before the patches: class, distillation and register tokens.
  public var prefix: Int
  /// Whose rows the model's answer is made of.
  public var reader: Reader

  /// The number of tokens before the patches and of patches.
  public var tokens: Int { prefix + rows * columns }
}
