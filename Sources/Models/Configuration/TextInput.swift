/// What a text tower reads: the tokens of one text, as their numbers in a vocabulary.
public struct TextInput: Hashable, Sendable {
  /// Whose row becomes the text's vector.
  public enum End: Hashable, Sendable {
    /// That of the first token of this number, which is end-of-text.
    case first(Int)
    /// That of the largest number, the first of them: end-of-text is the last of the vocabulary.
    case largest
    /// The last one, whatever it is.
    case last
    /// The first one.
    case start
  }

  /// The number of tokens of one text as the tower is compiled.
  public var length: Int
  /// The most tokens that the checkpoint has positions for.
  public var positions: Int
  /// Tokens are numbers from 0 up to but not including this.
  public var vocabulary: Int
  /// Whose row becomes the text's vector.
  public var end: End
  /// `true` iff a token sees nothing of what follows it.
  public var isCausal: Bool

  /// Creates an input of as many tokens as there are positions.
  public init(positions: Int, vocabulary: Int, end: End, isCausal: Bool) {
    length = positions
    self.positions = positions
    self.vocabulary = vocabulary
    self.end = end
    self.isCausal = isCausal
  }

  /// `true` iff texts may be cut after end-of-text: what follows has no influence.
  public var mayBeCut: Bool {
    guard isCausal else { return false }
    return switch end {
    case .first, .largest, .start: true
    case .last: false
    }
  }

  /// The token without which a text has no vector; `nil`: there is none.
  public var required: Int? { if case .first(let token) = end { token } else { nil } }
}
