/// Which places of the image the tokens of a model are, and who reads them.
public struct TokenMap: Hashable, Sendable {
  /// What the model's answer is made of.
  public enum Reader: Hashable, Sendable {
    /// The first token.
    case classToken
    /// The mean of these tokens, by their places.
    case classTokens([Int])
    /// What a learned query gathers by attention.
    case probe
    /// The mean of the patches.
    case average
  }

  /// How many tokens come before the patches: class, distillation and register tokens.
  public var prefix: Int
  /// Rows and columns of the patches, or of a convolutional map's pixels.
  public var grid: [Int]
  /// What reads them.
  public var reader = Reader.average
  /// How many tokens come after the patches: detection tokens.
  public var suffix = 0

  /// The number of rows of patches.
  public var rows: Int { grid[0] }
  /// The number of columns of patches.
  public var columns: Int { grid[1] }
  /// The number of patches.
  public var patches: Int { grid[0] * grid[1] }
  /// The number of tokens.
  public var tokens: Int { prefix + patches + suffix }
}
