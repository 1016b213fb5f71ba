import Diagnostics
import Tokenizing

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

  /// Every number that a text may have is below this, padding included.
  public let vocabulary: Int

  /// A ``TokenTable``: what libraries of text towers hold.
  public let table: [UInt32]
  private let padsLeft: Bool

  init(
    name: String, length: Int, padding: Int32, kind: Kind, cleaning: OpenCLIPCleaning?,
    frame: Pipeline.Frame, padsLeft: Bool, truncatesLeft: Bool, keepsOwnEnd: Bool
  ) {
    (self.name, self.length, self.padding, self.padsLeft) = (name, length, padding, padsLeft)
    let around = frame.before + frame.behind + [padding]
    vocabulary = 1 + Int(around.reduce(kind.largestNumber, max))
    let flags: [(TokenFlag, Bool)] = [
      (.padsLeft, padsLeft), (.truncatesLeft, truncatesLeft), (.keepsOwnEnd, keepsOwnEnd),
    ]
    table = kind.table(
      cleaning: cleaning, frame: frame, flags: flags.filter(\.1).map(\.0), length: length,
      padding: padding)
  }

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
  /// Errors: a text that open_clip would repair first; one of more than 64 MB.
  public func tokens(_ text: String) throws(Diagnostic) -> Tokens {
    let result = table.withTokenMaker { maker -> Result<Tokens, Diagnostic> in
      var text = text
      let outcome = text.withUTF8 { bytes -> TokenMaker.Outcome in
        // No bytes have no address.
        guard let address = bytes.baseAddress else { return maker.run([0], count: 0) }
        return maker.run(address, count: bytes.count)
      }
      if let fault = Self.fault(outcome, text, maker) { return .failure(fault) }
      return .success(
        Tokens(
          numbers: (0..<maker.numbers.count).map { maker.numbers[$0] },
          wholeCount: maker.wholeCount))
    }
    guard let result else { throw Diagnostic("the tokenizer's table is damaged") }
    return try result.get()
  }

  /// Why a text has no numbers.
  private static func fault(
    _ outcome: TokenMaker.Outcome, _ text: String, _ maker: TokenMaker
  ) -> Diagnostic? {
    let start = String(text.unicodeScalars.prefix(60).map(Character.init))
    func refusal(_ why: String, hint: String) -> Diagnostic {
      Diagnostic("the text '\(start)' \(why)", hint: hint)
    }
    switch outcome {
    case .done: return nil
    case .noMemory: return Diagnostic("there is no memory for the text '\(start)'")
    case .tooLong, .notUTF8:
      return Diagnostic("the text '\(start)' is longer than \(TokenMaker.mostBytes) bytes")
    case .misread:
      return refusal(
        "looks as if it had been read in a wrong encoding, which open_clip would repair",
        hint: "write what is meant, in UTF-8")
    case .nested:
      return refusal(
        "has entities of HTML within entities, which open_clip would replace",
        hint: "write the characters themselves")
    case .entity(let from, let to):
      let name = Scalars(
        (from..<to).compactMap { Unicode.Scalar(maker.normalizedScalar($0)) }
      ).text
      return refusal(
        "has the entity '\(name)', which open_clip would replace",
        hint: "write the character itself")
    }
  }

  /// Numbers with the padding that makes ``length`` of them.
  public func padded(_ numbers: [Int32]) -> [Int32] {
    let rest = [Int32](repeating: padding, count: max(0, length - numbers.count))
    return padsLeft ? rest + numbers : numbers + rest
  }
}
