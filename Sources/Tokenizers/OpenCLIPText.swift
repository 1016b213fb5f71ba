/// The texts of open_clip's SimpleTokenizer, OpenAI's of CLIP: words by CLIP's expression, letters
/// for bytes, pairs joined.
struct OpenCLIPText: Sendable {
  let model: BytePairModel
  /// What the texts `<start_of_text>` and `<end_of_text>` become.
  let specials: [Scalars: Int32]

  /// Appends the steps; `Splitter.clipWords` is the only one.
  func writeSteps(to writer: inout TableWriter) {
    let words = Splitter.clipWords(.openCLIP).write(to: &writer)
    writer[.splitters] = writer.append([1] + words)
    writer[.rawTokens] = AddedTokens.write(
      specials.map { .init(content: $0.key, number: $0.value, isNormalized: false) }
        .sorted { $0.number < $1.number }, to: &writer)
  }
}
