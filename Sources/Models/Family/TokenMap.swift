/// Which places of the image the tokens of a model are, and who reads them.
struct TokenMap: Hashable, Sendable {
  /// What the model's answer is made of.
  enum Reader: Hashable, Sendable {
    /// The first token.
    case classToken
    /// The mean of the first tokens, so many.
    case classTokens(Int)
    /// What a learned query gathers by attention.
    case probe
    /// The mean of the patches.
    case average
  }

  /// How many tokens come before the patches.
  var prefix: Int
  /// Rows and columns of the patches, or of a convolutional map's pixels.
  var grid: [Int]
  /// What reads them.
  var reader = Reader.average

  /// The number of patches.
  var patches: Int { grid[0] * grid[1] }
  /// The number of tokens.
  var tokens: Int { prefix + patches }
}
