/// Which words CLIP's tokenizers make; what is done with it says `ClipWords` of Tokenizing.
struct ClipWordRule: Sendable {
  /// The first alternatives of the expression, as they are written.
  var specials: [Scalars]
  /// `true` iff case does not matter (open_clip).
  var ignoresCase: Bool

  /// transformers' CLIPTokenizer.
  static let transformers = ClipWordRule(
    specials: ["<|startoftext|>", "<|endoftext|>"].map { Scalars($0) }, ignoresCase: false)

  /// open_clip's SimpleTokenizer.
  static let openCLIP = ClipWordRule(
    specials: ["<start_of_text>", "<end_of_text>"].map { Scalars($0) }, ignoresCase: true)
}
