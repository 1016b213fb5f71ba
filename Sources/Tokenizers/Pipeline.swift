/// A tokenizer of the library `tokenizers`: texts are divided at added tokens, normalized, divided
/// into words, each word into pieces; then come the tokens around.
struct Pipeline: Sendable {
  /// What divides words into pieces.
  enum WordModel: Sendable {
    case bytePairs(BytePairModel)
    case unigram(UnigramModel<Double>)
  }

  /// The tokens around a text.
  struct Frame: Sendable {
    var before: [Int32] = []
    var behind: [Int32] = []
  }

  private let normalizers: [Normalizer]
  private let splitters: [Splitter]
  private let model: WordModel
  /// The added tokens that are looked for before the text is normalized, and those after.
  private let raw: AddedTokens
  private let normalized: AddedTokens

  init(
    addedTokens: [AddedTokens.Token], normalizers: [Normalizer], splitters: [Splitter],
    model: WordModel
  ) {
    self.normalizers = normalizers
    self.splitters = splitters
    self.model = model
    raw = AddedTokens(addedTokens.filter { !$0.isNormalized })
    normalized = AddedTokens(
      addedTokens.filter(\.isNormalized).map { token in
        var token = token
        token.content = normalizers.reduce(token.content) { $1.normalized($0) }
        return token
      })
  }

  /// The numbers of the pieces of a text, without those around.
  func numbers(_ text: Scalars) -> [Int32] {
    var numbers: [Int32] = []
    var isFirst = true
    for part in raw.parts(text) {
      switch part {
      case .token(let number): numbers.append(number)
      case .text(let text):
        for part in normalized.parts(normalize(text)) {
          switch part {
          case .token(let number): numbers.append(number)
          case .text(let text): append(text, isFirst: isFirst, to: &numbers)
          }
          isFirst = false
        }
      }
      isFirst = false
    }
    return numbers
  }

  private func normalize(_ text: Scalars) -> Scalars {
    normalizers.reduce(text) { $1.normalized($0) }
  }

  private func append(_ text: Scalars, isFirst: Bool, to numbers: inout [Int32]) {
    var words = [text]
    for splitter in splitters {
      words = words.enumerated().flatMap { index, word in
        splitter.words(word, isFirst: isFirst && index == 0)
      }
    }
    for word in words {
      switch model {
      case .bytePairs(let model): model.append(UTF8Text.bytes(word), to: &numbers)
      case .unigram(let model): model.append(UTF8Text.bytes(word), to: &numbers)
      }
    }
  }
}
