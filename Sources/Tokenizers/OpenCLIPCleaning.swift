import Tokenizing

/// What open_clip does to texts before they are divided, by the names that its configurations have
/// for it; see ``TextCleaning``.
enum OpenCLIPCleaning: String, Sendable {
  /// Single blanks and lower case, SimpleTokenizer's default.
  case lower
  /// Single blanks, the default for transformers' tokenizers.
  case whitespace
  /// No ASCII punctuation, lower case, single blanks: SigLIP's.
  case canonicalize

  /// Its word in a table.
  var code: TextCleaning {
    switch self {
    case .lower: .lower
    case .whitespace: .whitespace
    case .canonicalize: .canonicalize
    }
  }

  /// Of Unicode's tables, what it asks for.
  var needs: UnicodeNeeds { self == .whitespace ? .repair : [.repair, .finalSigma] }
}
