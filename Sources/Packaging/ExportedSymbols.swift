import Diagnostics

/// The symbols that a compiled model exports: this list is the only place that says so.
///
/// The generated code defines them, the version script and the static archive keep them, everything
/// else becomes local.
public enum ExportedSymbols {
  /// The parts after NAME and the underscore, in the header's order.
  public static let suffixes = [
    "create", "destroy", "context_create", "context_destroy", "run", "run_all", "preprocess",
    "preprocess_picture", "preprocess_pictures", "last_error", "isa", "selftest", "context_stats",
    "description", "vitc_entry",
  ]

  /// The parts for a text tower, which has no functions for images.
  public static let suffixesOfText = suffixes.compactMap { suffix in
    switch suffix {
    case "run": "run_ids"
    case "run_all": "run_ids_all"
    case "preprocess", "preprocess_picture", "preprocess_pictures": nil
    default: suffix
    }
  }

  /// The part for a text tower that holds its tokenizer.
  public static let tokenizerSuffix = "tokenize"

  /// What a model for images of several sizes has besides.
  public static let suffixesOfSizes = [
    "sizes", "run_sized", "run_all_sized", "run_mixed", "preprocess_sized", "size_for",
  ]

  /// The symbols of the model `name`, which reads images, or tokens.
  public static func names(
    for name: String, readsTokens: Bool = false, hasTokenizer: Bool = false, hasSizes: Bool = false
  ) -> [String] {
    ((readsTokens ? suffixesOfText : suffixes) + (hasTokenizer ? [tokenizerSuffix] : [])
      + (hasSizes ? suffixesOfSizes : []))
      .map { "\(name)_\($0)" }
  }

  /// Throws unless `name` can be the prefix of C identifiers: letters, digits, underscores, not
  /// starting with a digit or an underscore, at most 64 of them.
  public static func check(name: String) throws(Diagnostic) {
    let scalars = Array(name.unicodeScalars)
    let isLetter = { (c: Unicode.Scalar) in ("a"..."z").contains(c) || ("A"..."Z").contains(c) }
    let isDigit = { (c: Unicode.Scalar) in ("0"..."9").contains(c) }
    guard let first = scalars.first, isLetter(first), scalars.count <= 64,
      scalars.allSatisfy({ isLetter($0) || isDigit($0) || $0 == "_" })
    else {
      throw Diagnostic(
        "'\(name)' cannot begin the names of C functions",
        hint: "use a letter, then letters, digits and underscores, 64 at most, such as 'my_vit'")
    }
  }

  /// Returns the nearest valid name, as for a file name that becomes a prefix: `vit-b.16` gives
  /// `vit_b_16`.
  public static func name(from text: String) -> String {
    var name = ""
    for c in text.unicodeScalars {
      let isWord =
        ("a"..."z").contains(c) || ("A"..."Z").contains(c) || ("0"..."9").contains(c) || c == "_"
      name.unicodeScalars.append(isWord ? c : "_")
    }
    if let first = name.unicodeScalars.first, ("0"..."9").contains(first) || first == "_" {
      name = "m" + name
    }
    return name.isEmpty ? "model" : String(name.prefix(64))
  }
}
