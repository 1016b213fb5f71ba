import Diagnostics

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

  let addedTokens: [AddedTokens.Token]
  let normalizers: [Normalizer]
  let splitters: [Splitter]
  let model: WordModel

  /// Of Unicode's tables, what it asks for.
  var needs: UnicodeNeeds {
    normalizers.reduce(UnicodeNeeds()) { $0.union($1.needs) }
      .union(splitters.reduce(UnicodeNeeds()) { $0.union($1.needs) }).union(addedTokens.needs)
  }

  /// The longest that steps may make a text: SentencePiece's normalizations make 18 scalars of one,
  /// letters for bytes 4.
  private static let mostGrowth = 256
  /// The runtime keeps a bit of a word for each.
  private static let mostSplitters = 32

  /// Throws where a text could grow without measure, or the words of words are divided too often.
  func check(at location: Diagnostic.Location) throws(Diagnostic) {
    guard splitters.count <= Self.mostSplitters else {
      throw Diagnostic(
        "the tokenizer has \(splitters.count) pre-tokenizers, expected "
          + "\(Self.mostSplitters) at most", at: location)
    }
    var growth = 1
    for factor in normalizers.map(\.growth) + splitters.map(\.growth) {
      guard factor <= Self.mostGrowth / growth else {
        throw Diagnostic(
          "the tokenizer's steps could make a text more than \(Self.mostGrowth) times as long",
          at: location)
      }
      growth *= factor
    }
  }

  /// Appends the steps before words are divided.
  func writeSteps(to writer: inout TableWriter) {
    func steps(_ words: [[UInt32]]) -> UInt32 {
      words.isEmpty ? 0 : writer.append([UInt32(words.count)] + words.flatMap(\.self))
    }
    writer[.normalizers] = steps(normalizers.map { $0.write(to: &writer) })
    writer[.splitters] = steps(splitters.map { $0.write(to: &writer) })
  }

  /// Appends the model of words.
  func writeModel(to writer: inout TableWriter) {
    switch model {
    case .bytePairs(let model): writer[.bytePairs] = model.write(to: &writer)
    case .unigram(let model): writer[.unigram] = model.write(to: &writer)
    }
  }
}

extension [AddedTokens.Token] {
  /// Of Unicode's tables, what they ask for.
  var needs: UnicodeNeeds {
    var needs: UnicodeNeeds = []
    if contains(where: { $0.stripsLeft || $0.stripsRight }) { needs.formUnion(.space) }
    if contains(where: \.isWholeWord) { needs.formUnion(.wholeWords) }
    return needs
  }
}
