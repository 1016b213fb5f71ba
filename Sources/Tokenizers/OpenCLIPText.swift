/// The texts of open_clip's SimpleTokenizer, OpenAI's of CLIP: words by CLIP's expression, letters
/// for bytes, pairs joined.
struct OpenCLIPText: Sendable {
  let model: BytePairModel
  /// What the texts `<start_of_text>` and `<end_of_text>` become.
  let specials: [Scalars: Int32]

  /// The numbers of the pieces of a text, without those around.
  func numbers(_ text: Scalars) -> [Int32] {
    var numbers: [Int32] = []
    for word in ClipWords.openCLIP.words(text) {
      if let special = specials[word] {
        numbers.append(special)
      } else {
        model.append(UTF8Text.bytes(ByteAlphabet.letters(word)), to: &numbers)
      }
    }
    return numbers
  }
}
