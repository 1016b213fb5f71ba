import Tokenizing

/// The tables of tokenizers.
extension Tokenizer.Kind {
  /// The words of a table.
  func table(
    cleaning: OpenCLIPCleaning?, frame: Pipeline.Frame, flags: [TokenFlag], length: Int,
    padding: Int32
  ) -> [UInt32] {
    var writer = TableWriter()
    writer[.length] = UInt32(length)
    writer[.padding] = UInt32(bitPattern: padding)
    writer[.flags] = flags.reduce(0) { $0 | $1.rawValue }
    writer[.cleaning] = (cleaning?.code ?? .none).rawValue
    writer[.before] = writer.append(list: frame.before.map { UInt32(bitPattern: $0) })
    writer[.behind] = writer.append(list: frame.behind.map { UInt32(bitPattern: $0) })
    needs.union(cleaning?.needs ?? []).write(to: &writer)
    if cleaning != nil { writer[.repair] = TextRepair.write(to: &writer) }
    switch self {
    case .pipeline(let pipeline):
      writer[.kind] = TextKind.pipeline.rawValue
      pipeline.writeSteps(to: &writer)
      writer[.rawTokens] = AddedTokens.write(
        pipeline.addedTokens.filter { !$0.isNormalized }, to: &writer)
      // These are looked for in normalized texts, so they are normalized by the same code.
      let normalized = pipeline.addedTokens.filter(\.isNormalized).map { token in
        var token = token
        token.content = Self.normalized(token.content, writer.words)
        return token
      }
      writer[.normalizedTokens] = AddedTokens.write(normalized, to: &writer)
      pipeline.writeModel(to: &writer)
    case .sigLIP(let text):
      writer[.kind] = TextKind.sigLIP.rawValue
      writer[.rawTokens] = AddedTokens.write(text.addedTokens, to: &writer)
      writer[.unigram] = text.file.model.write(to: &writer)
      text.writeSteps(unknownCount: 0, to: &writer)
      let count = Self.pieceCount(text.unknown, writer.words)
      text.writeSteps(unknownCount: count, to: &writer)
    case .openCLIP(let text):
      writer[.kind] = TextKind.openCLIP.rawValue
      text.writeSteps(to: &writer)
      writer[.bytePairs] = text.model.write(to: &writer)
    }
    return writer.words
  }

  /// The largest number that a part of a text may have.
  var largestNumber: Int32 {
    func largest(_ model: BytePairModel) -> Int32 {
      max(model.pieces.largestNumber, model.unknown ?? -1)
    }
    switch self {
    case .pipeline(let pipeline):
      let own =
        switch pipeline.model {
        case .bytePairs(let model): largest(model)
        case .unigram(let model): Int32(model.scores.count) - 1
        }
      return pipeline.addedTokens.reduce(own) { max($0, $1.number) }
    case .sigLIP(let text):
      let own = Int32(text.file.model.scores.count) - 1
      return text.addedTokens.reduce(own) { max($0, $1.number) }
    case .openCLIP(let text):
      return text.specials.values.reduce(largest(text.model), max)
    }
  }

  private var needs: UnicodeNeeds {
    switch self {
    case .pipeline(let pipeline): pipeline.needs
    case .sigLIP(let text): text.needs
    case .openCLIP: Splitter.clipWords(.openCLIP).needs
    }
  }

  /// What the normalizers of an unfinished table make of a text.
  private static func normalized(_ text: Scalars, _ words: [UInt32]) -> Scalars {
    words.withTokenMaker { maker in
      let bytes = Array(text.text.utf8)
      guard maker.normalize(bytes, count: bytes.count) else { return text }
      return (0..<maker.normalizedCount).compactMap {
        Unicode.Scalar(maker.normalizedScalar($0))
      }
    } ?? text
  }

  /// How many pieces an unfinished table of SigLIP's makes of a text.
  private static func pieceCount(_ text: String, _ words: [UInt32]) -> Int {
    words.withTokenMaker { maker in
      let bytes = Array(text.utf8)
      return maker.countSentencePieces(bytes, count: bytes.count)
    } ?? 0
  }
}

extension [UInt32] {
  /// Lets `body` use the table that these words are; `nil` if they are none.
  func withTokenMaker<R>(_ body: (inout TokenMaker) -> R) -> R? {
    withUnsafeBytes { bytes -> R? in
      guard let address = bytes.baseAddress, let table = TokenTable(address) else { return nil }
      var maker = TokenMaker(table)
      defer { maker.release() }
      return body(&maker)
    }
  }
}
