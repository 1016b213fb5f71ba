/// What a tokenizer is made of, as words of 32 bits, little endian: pieces and their numbers, the
/// steps before them, and of Unicode's tables what these steps ask for.
///
/// It begins with a word for each ``TokenField``. Those that name sections are the index of the
/// section's first word, 0 where there is none. What a section holds is said where it is read. vitc
/// writes tables, and a library holds one, so what is in them is believed.
public struct TokenTable {
  /// The first word.
  public let words: UnsafePointer<UInt32>

  /// What the first word is: "VTOK".
  public static var mark: UInt32 { 0x4B4F_5456 }
  /// What the second word is.
  public static var version: UInt32 { 1 }
  /// A number that is none.
  public static var none: UInt32 { .max }

  /// Finds the table at an address; `nil` for what is none, or of another version.
  public init?(_ address: UnsafeRawPointer) {
    words = address.assumingMemoryBound(to: UInt32.self)
    guard words[0] == TokenTable.mark, words[1] == TokenTable.version else { return nil }
  }

  /// A word of the beginning.
  func number(_ field: TokenField) -> Int { Int(words[field.rawValue]) }

  /// A section; `nil` where there is none.
  func section(_ field: TokenField) -> UnsafePointer<UInt32>? { section(at: number(field)) }

  /// The section at an index; `nil` for 0.
  func section(at index: Int) -> UnsafePointer<UInt32>? { index == 0 ? nil : words + index }

  /// How many ids a text has at most.
  public var length: Int { number(.length) }

  /// `true` iff a flag is set.
  func has(_ flag: TokenFlag) -> Bool { words[TokenField.flags.rawValue] & flag.rawValue != 0 }
}

/// The words at the beginning of a ``TokenTable``.
public enum TokenField: Int, CaseIterable {
  /// ``TokenTable/mark`` and ``TokenTable/version``.
  case mark, version
  /// Ids of a text at most, and the one that fills the rest.
  case length, padding
  /// ``TokenFlag``s, a ``TextKind``, a ``TextCleaning``.
  case flags, kind, cleaning
  /// The ids before and behind a text: sections of a count and the ids.
  case before, behind
  /// Tokens that a text has by name: looked for before the text is normalized, and after.
  case rawTokens, normalizedTokens
  /// Steps: a count, and four words for each, a code and what it asks for.
  case normalizers, splitters
  /// `bytePairs` or `unigram`: what divides words; one is there.
  case bytePairs, unigram
  /// The normalization of a SentencePiece model, and what comes before it.
  case sentencePieces
  /// Of Unicode: ``ScalarClass``es, lower case, canonical decompositions, combining classes,
  /// compositions.
  case classes, lowerCase, decompositions, combiningClasses, compositions
  /// What ftfy repairs.
  case repair
  /// ``ClusterClass``es.
  case clusters
}

/// What is done with the ids of a text.
public enum TokenFlag: UInt32 {
  /// The padding comes before the text.
  case padsLeft = 1
  /// The beginning of a text that is too long is cut.
  case truncatesLeft = 2
  /// An end that a text has by itself is not repeated.
  case keepsOwnEnd = 4
}

/// What makes pieces of a text.
public enum TextKind: UInt32 {
  /// The steps of the library `tokenizers`.
  case pipeline
  /// transformers' SiglipTokenizer.
  case sigLIP
  /// open_clip's SimpleTokenizer.
  case openCLIP
}

/// What open_clip does to texts first.
public enum TextCleaning: UInt32 {
  /// Nothing: the tokenizer is not open_clip's.
  case none
  /// Single blanks and lower case, SimpleTokenizer's default.
  case lower
  /// Single blanks, the default for transformers' tokenizers.
  case whitespace
  /// No ASCII punctuation, lower case, single blanks: SigLIP's.
  case canonicalize
}

/// Steps that change a text before it is divided; named as the library `tokenizers` names them.
public enum NormalizerCode: UInt32 {
  /// Unicode's form C.
  case nfc
  /// Each scalar in lower case by itself.
  case lowercase
  /// One blank for each run of white space.
  case collapseSpace
  /// One blank for each run of blanks.
  case collapseBlanks
  /// Every occurrence of a text, a section of a count and scalars, becomes another.
  case replace
  /// Puts a text before one that is not empty.
  case prepend
  /// Takes white space off: 1 the left end, 2 the right, 3 both.
  case strip
  /// SentencePiece's table, a section, applied by clusters of scalars.
  case charsMap
}

/// Steps that divide a text into words, or change the words.
public enum SplitterCode: UInt32 {
  /// The words of CLIP's expression: the texts of special tokens, and 1 iff case does not matter.
  case clipWords
  /// Each byte becomes the letter that stands for it; words as GPT-2 divides them.
  case byteLetters
  /// Blanks end the word before.
  case blanksWithPrevious
  /// Blanks begin the word behind.
  case blanksWithNext
  /// Blanks are words.
  case blanksIsolated
  /// Blanks are left out.
  case blanksRemoved
  /// What is between white space.
  case whiteSpace
  /// Blanks become a mark, which is put before the text: the mark; where it is put, 0 never, 1
  /// before the first word, 2 before each; 1 iff words begin with it.
  case metaspace
}

/// What Unicode says of a scalar: bits in the runs of ``TokenField/classes``.
public enum ScalarClass: UInt32, CaseIterable {
  /// `\p{L}`.
  case letter = 1
  /// `\p{N}`.
  case number = 2
  /// White space.
  case space = 4
  /// Alphabetic or a decimal digit.
  case word = 8
  /// Cased, as the final sigma asks for.
  case cased = 16
  /// What the final sigma does not see.
  case caseIgnorable = 32
  /// `\p{Nd}`.
  case decimal = 64
}

/// How scalars join to clusters, what users take for characters: bits in the runs of
/// ``TokenField/clusters``.
///
/// Clusters of less than 6 bytes are told apart, no others.
public enum ClusterClass: UInt32, CaseIterable {
  /// Joins what is before it.
  case extending = 1
  /// Joins what is behind it.
  case prepended = 2
  /// Joins nothing.
  case control = 4
  /// A consonant, and what joins two of them.
  case consonant = 8
  /// See ``consonant``.
  case linker = 16
  /// A picture, which U+200D joins to another.
  case picture = 32
}
