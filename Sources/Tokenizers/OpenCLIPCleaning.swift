import Diagnostics

/// What open_clip does to texts before they are divided.
enum OpenCLIPCleaning: String, Sendable {
  /// Single blanks and lower case, SimpleTokenizer's default.
  case lower
  /// Single blanks, the default for transformers' tokenizers.
  case whitespace
  /// No ASCII punctuation, lower case, single blanks: SigLIP's.
  case canonicalize

  /// The cleaned text.
  ///
  /// Errors: those of ``TextRepair``.
  func cleaned(_ text: Scalars) throws(Diagnostic) -> Scalars {
    let text = try TextRepair.repaired(text)
    switch self {
    case .lower: return text.withSingleBlanks.lowerCased
    case .whitespace: return text.withSingleBlanks
    case .canonicalize:
      return text.map { $0 == "_" ? " " : $0 }.withoutPunctuation.lowerCased.withSingleBlanks
    }
  }
}
