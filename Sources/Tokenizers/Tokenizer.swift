import Diagnostics

/// Makes of a text the numbers that a text tower reads.
///
/// The numbers are those of the library that a checkpoint comes from: of transformers 5 for folders
/// with `config.json`, of open_clip 3 for those with `open_clip_config.json`. What these would do
/// otherwise is refused by name.
public struct Tokenizer: Sendable {
  /// What comes between a text and its pieces, and what comes around them.
  enum Kind: Sendable {
    case pipeline(Pipeline)
    case sigLIP(SigLIPText)
    case openCLIP(OpenCLIPText)
  }

  /// The class whose numbers it makes, such as `CLIPTokenizer`.
  public let name: String
  /// The most numbers of a text, the tokens around it among them.
  public let length: Int
  /// What a text is followed by, or preceded, up to ``length``.
  public let padding: Int32

  let kind: Kind
  let cleaning: OpenCLIPCleaning?
  let frame: Pipeline.Frame
  let padsLeft: Bool
  let truncatesLeft: Bool
  /// `true` iff an end that the text has by itself is not repeated (SiglipTokenizer).
  let keepsOwnEnd: Bool

  /// A text as numbers.
  public struct Tokens: Hashable, Sendable {
    /// The numbers, at most ``Tokenizer/length``, without padding.
    public var numbers: [Int32]
    /// How many numbers the whole text would have.
    public var wholeCount: Int

    /// `true` iff the text was cut.
    public var isTruncated: Bool { wholeCount > numbers.count }
  }

  /// The numbers of a text; what is too long is cut as the library cuts it: pieces, so that the
  /// tokens around the text stay.
  ///
  /// Errors: only those of ``OpenCLIPCleaning``, a text that ftfy would repair.
  public func tokens(_ text: String) throws(Diagnostic) -> Tokens {
    var scalars = Scalars(text)
    if let cleaning { scalars = try cleaning.cleaned(scalars) }
    let pieces =
      switch kind {
      case .pipeline(let pipeline): pipeline.numbers(scalars)
      case .sigLIP(let text): text.numbers(scalars)
      case .openCLIP(let text): text.numbers(scalars)
      }
    let room = max(0, length - frame.before.count - frame.behind.count)
    let kept = truncatesLeft ? pieces.suffix(room) : pieces.prefix(room)
    let end = keepsOwnEnd && kept.last == frame.behind.first ? [] : frame.behind
    return Tokens(
      numbers: frame.before + kept + end,
      wholeCount: frame.before.count + pieces.count + end.count)
  }

  /// Numbers with the padding that makes ``length`` of them.
  public func padded(_ numbers: [Int32]) -> [Int32] {
    let rest = [Int32](repeating: padding, count: max(0, length - numbers.count))
    return padsLeft ? rest + numbers : numbers + rest
  }
}
