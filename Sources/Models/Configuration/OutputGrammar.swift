import Diagnostics

/// The grammar of `--outputs`: items separated by commas, each a name and options after colons.
///
///     logits | features[:unit] | pooled | pooler | tokens
///     layers:2+5+8+11[:norm|:raw][:nchw][:prefix]
///     attention:class[:all] | attention:LAYER | attention:all | rollout | distance
///
/// Each may have the option `f16`.
extension ModelOutput {
  /// What items begin with.
  private static let names = [
    "logits", "features", "pooled", "pooler", "tokens", "layers", "attention", "rollout",
    "distance",
  ]

  /// Reads a list of outputs; no output is the same as another.
  ///
  /// - Throws: an item that is not in the grammar, or one that is there twice.
  public static func list(_ text: String) throws(Diagnostic) -> [ModelOutput] {
    var outputs: [ModelOutput] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let output = try ModelOutput(parsing: String(item))
      let known = outputs.flatMap(\.names)
      if let twice = output.names.first(where: known.contains) {
        throw Diagnostic("duplicate output '\(twice)'", at: .argument("--outputs"))
      }
      outputs.append(output)
    }
    return outputs
  }

  /// Reads one item.
  ///
  /// - Throws: an unknown name, an option that means nothing for it, blocks that are not numbers.
  public init(parsing text: String) throws(Diagnostic) {
    var words = OutputWords(text)
    switch words.name {
    case "logits": self.init(.logits)
    case "features": self.init(.features(isUnit: words.take("unit")))
    case "pooled": self.init(.pooled)
    case "pooler": self.init(.pooler)
    case "tokens": self.init(.tokens)
    case "layers": self.init(try Self.layers(&words))
    case "attention": self.init(try Self.attention(&words))
    case "rollout": self.init(.rollout)
    case "distance": self.init(.distance)
    default:
      throw Diagnostic(
        text.isEmpty
          ? "an empty output, expected one of \(Self.names.joined(separator: ", "))"
          : "unknown output '\(words.name)', expected one of "
            + Self.names.joined(separator: ", "), at: .argument("--outputs"),
        hint: Suggestion.hint(for: words.name, in: Self.names))
    }
    isHalf = words.take("f16")
    try words.finish()
  }

  private static func layers(_ words: inout OutputWords) throws(Diagnostic) -> Kind {
    guard let list = words.takeFirst(), !list.isEmpty else {
      throw Diagnostic(
        "'\(words.text)' names no blocks", at: .argument("--outputs"),
        hint: "for example layers:2+5+8+11, counted from 0, or layers:-1 for the last one")
    }
    var blocks: [Int] = []
    for word in list.split(separator: "+", omittingEmptySubsequences: false) {
      guard let block = Int(word) else {
        throw Diagnostic(
          "invalid block '\(word)' in '\(words.text)', expected a number",
          at: .argument("--outputs"), hint: "for example layers:2+5+8+11")
      }
      guard !blocks.contains(block) else {
        throw Diagnostic(
          "block \(block) is named twice in '\(words.text)'", at: .argument("--outputs"))
      }
      blocks.append(block)
    }
    var form = LayerForm()
    form.isNormed = words.take("norm")
    form.isPlanar = words.take("nchw")
    form.keepsPrefix = words.take("prefix")
    for (isBoth, pair) in [
      (words.take("raw") && form.isNormed, "'norm' and 'raw'"),
      (form.isPlanar && form.keepsPrefix, "'nchw' and 'prefix'"),
    ] where isBoth {
      throw Diagnostic(
        "\(pair) cannot be combined in '\(words.text)'", at: .argument("--outputs"))
    }
    return .layers(blocks, form)
  }

  private static func attention(_ words: inout OutputWords) throws(Diagnostic) -> Kind {
    guard let word = words.takeFirst(), !word.isEmpty else {
      throw Diagnostic(
        "'\(words.text)' does not say which weights", at: .argument("--outputs"),
        hint: "attention:class, attention:class:all, attention:BLOCK or attention:all")
    }
    switch word {
    case "class": return .classAttention(ofAllBlocks: words.take("all"))
    case "all": return .allAttention
    default:
      guard let block = Int(word) else {
        throw Diagnostic(
          "invalid block '\(word)' in '\(words.text)', expected a number, 'class' or 'all'",
          at: .argument("--outputs"), hint: Suggestion.hint(for: word, in: ["class", "all"]))
      }
      return .attention(block: block)
    }
  }
}

/// The words of an item that have not been understood yet.
private struct OutputWords {
  /// The item.
  let text: String
  /// Its first word.
  let name: String
  private var options: [String]
  /// What would have been understood.
  private var known: [String] = []

  init(_ text: String) {
    self.text = text
    let words = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    name = words[0]
    options = Array(words.dropFirst())
  }

  /// Takes the word after the name.
  mutating func takeFirst() -> String? { options.isEmpty ? nil : options.removeFirst() }

  /// Takes an option, and says whether it was there.
  mutating func take(_ option: String) -> Bool {
    known.append(option)
    guard let index = options.firstIndex(of: option) else { return false }
    options.remove(at: index)
    return true
  }

  /// - Throws: an option that nobody took.
  func finish() throws(Diagnostic) {
    guard let rest = options.first else { return }
    throw Diagnostic(
      known.contains(rest)
        ? "option '\(rest)' is there twice in '\(text)'"
        : "option '\(rest)' means nothing in '\(text)'"
          + (known.isEmpty ? ", expected none" : ", expected \(known.joined(separator: ", "))"),
      at: .argument("--outputs"), hint: Suggestion.hint(for: rest, in: known))
  }
}
