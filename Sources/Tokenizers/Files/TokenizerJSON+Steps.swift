import Diagnostics
import JSON

extension TokenizerJSON {
  /// The steps of `normalizer`.
  ///
  /// Errors, at `.file(path)`: one that is not known, by its type.
  func normalizers() throws(Diagnostic) -> [Normalizer] {
    guard let value = part("normalizer") else { return [] }
    return try normalizers(value)
  }

  private func normalizers(_ value: JSONValue) throws(Diagnostic) -> [Normalizer] {
    let type = value["type"]?.string ?? ""
    switch type {
    case "Sequence":
      var steps: [Normalizer] = []
      for part in value["normalizers"]?.array ?? [] { steps += try normalizers(part) }
      return steps
    case "NFC": return [.nfc]
    case "Lowercase": return [.lowercase]
    case "Prepend": return [.prepend(Scalars(value["prepend"]?.string ?? ""))]
    case "Strip":
      return [
        .strip(
          left: value["strip_left"] != .bool(false), right: value["strip_right"] != .bool(false))
      ]
    case "Precompiled": return [.charsMap(try charsMap(value))]
    case "Replace":
      let content = value["content"]?.string ?? ""
      if let text = value["pattern"]?["String"]?.string {
        return [.replace(Scalars(text), with: Scalars(content))]
      }
      switch (value["pattern"]?["Regex"]?.string, content) {
      case (#"\s+"#, " "): return [.collapseSpace]
      case (" {2,}", " "): return [.collapseBlanks]
      case (let pattern, _):
        throw unsupported("the normalizer replaces '\(pattern ?? "")' by '\(content)'")
      }
    default: throw unsupported("the normalizer is '\(type)'")
    }
  }

  private func charsMap(_ value: JSONValue) throws(Diagnostic) -> CharsMap {
    guard let bytes = Base64.bytes(value["precompiled_charsmap"]?.string ?? "") else {
      throw Diagnostic("'precompiled_charsmap' is not base64", at: .file(path))
    }
    return try CharsMap(bytes, at: .file(path))
  }

  /// SentencePiece's table in `normalizer`, wherever it stands there.
  func charsMap() throws(Diagnostic) -> CharsMap? {
    guard let value = part("normalizer") else { return nil }
    let all = value["type"]?.string == "Sequence" ? value["normalizers"]?.array ?? [] : [value]
    return try all.first { $0["type"]?.string == "Precompiled" }.map { (value) throws(Diagnostic) in
      try charsMap(value)
    }
  }

  /// `true` iff `normalizer` makes lower case.
  var lowersCase: Bool {
    guard let value = part("normalizer") else { return false }
    let all = value["type"]?.string == "Sequence" ? value["normalizers"]?.array ?? [] : [value]
    return all.contains { $0["type"]?.string == "Lowercase" }
  }

  /// The steps of `pre_tokenizer`.
  ///
  /// Errors, at `.file(path)`: one that is not known, by its type.
  func splitters() throws(Diagnostic) -> [Splitter] {
    guard let value = part("pre_tokenizer") else { return [] }
    return try splitters(value)
  }

  private func splitters(_ value: JSONValue) throws(Diagnostic) -> [Splitter] {
    let type = value["type"]?.string ?? ""
    switch type {
    case "Sequence":
      var steps: [Splitter] = []
      for part in value["pretokenizers"]?.array ?? [] { steps += try splitters(part) }
      return steps
    case "WhitespaceSplit": return [.whiteSpace]
    case "ByteLevel":
      guard value["add_prefix_space"] != .bool(true), value["use_regex"] != .bool(false) else {
        throw unsupported("the pre-tokenizer 'ByteLevel' adds a blank or divides nothing")
      }
      return [.byteLetters]
    case "Metaspace": return [try metaspace(value)]
    case "Split":
      let split = value["behavior"]?.string ?? ""
      if value["pattern"]?["String"]?.string == " ", value["invert"] != .bool(true),
        let blanks = Splitter.BlankSplit(rawValue: split)
      {
        return [.blanks(blanks)]
      }
      let pattern = value["pattern"]?["Regex"]?.string ?? value["pattern"]?["String"]?.string ?? ""
      let plain = #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
      if split == "Removed", value["invert"] == .bool(true) {
        if pattern == plain { return [.clipWords(ClipWordRule(specials: [], ignoresCase: false))] }
        if pattern == #"<\|startoftext\|>|<\|endoftext\|>|"# + plain {
          return [.clipWords(.transformers)]
        }
      }
      throw unsupported("the pre-tokenizer divides at '\(pattern)' (\(split))")
    default: throw unsupported("the pre-tokenizer is '\(type)'")
    }
  }

  private func metaspace(_ value: JSONValue) throws(Diagnostic) -> Splitter {
    guard let mark = value["replacement"]?.string?.unicodeScalars.first else {
      throw unsupported("the pre-tokenizer 'Metaspace' has no replacement")
    }
    var prepends = Splitter.Prepending.always
    if let scheme = value["prepend_scheme"]?.string {
      guard let known = Splitter.Prepending(rawValue: scheme) else {
        throw unsupported("the pre-tokenizer 'Metaspace' prepends '\(scheme)'")
      }
      prepends = known
    } else if value["add_prefix_space"] == .bool(false) {
      prepends = .never
    }
    return .metaspace(mark: mark, prepends: prepends, splits: value["split"] != .bool(false))
  }

  /// The tokens that `post_processor` puts before and behind a text.
  ///
  /// Errors, at `.file(path)`: a processor that is not known, by its type, or a token without a
  /// number.
  func frame() throws(Diagnostic) -> Pipeline.Frame? {
    guard let value = part("post_processor") else { return nil }
    return try frame(value)
  }

  private func frame(_ value: JSONValue) throws(Diagnostic) -> Pipeline.Frame? {
    let type = value["type"]?.string ?? ""
    switch type {
    case "ByteLevel": return nil
    case "Sequence":
      var frame: Pipeline.Frame?
      for part in value["processors"]?.array ?? [] {
        guard let next = try self.frame(part) else { continue }
        frame = .init(
          before: next.before + (frame?.before ?? []), behind: (frame?.behind ?? []) + next.behind)
      }
      return frame
    case "RobertaProcessing", "BertProcessing":
      return .init(before: [try pair(value, "cls")], behind: [try pair(value, "sep")])
    case "TemplateProcessing": return try template(value)
    default: throw unsupported("the post-processor is '\(type)'")
    }
  }

  /// The number in a pair such as `["<|endoftext|>", 49407]`.
  private func pair(_ value: JSONValue, _ key: String) throws(Diagnostic) -> Int32 {
    guard let pair = value[key]?.array, pair.count == 2, case .integer(let id) = pair[1],
      let number = Int32(exactly: id)
    else { throw unsupported("'post_processor.\(key)' is not a token and its number") }
    return number
  }

  private func template(_ value: JSONValue) throws(Diagnostic) -> Pipeline.Frame {
    var frame = Pipeline.Frame()
    var isBehind = false
    for part in value["single"]?.array ?? [] {
      if part["Sequence"] != nil {
        guard !isBehind else { throw unsupported("'post_processor.single' has the text twice") }
        isBehind = true
        continue
      }
      guard let name = part["SpecialToken"]?["id"]?.string,
        let ids = value["special_tokens"]?[name]?["ids"]?.array
      else { throw unsupported("'post_processor.single' has a token without numbers") }
      for id in ids {
        guard case .integer(let id) = id, let number = Int32(exactly: id) else {
          throw unsupported("'post_processor.special_tokens' has a token without numbers")
        }
        if isBehind { frame.behind.append(number) } else { frame.before.append(number) }
      }
    }
    guard isBehind else { throw unsupported("'post_processor.single' has no text") }
    return frame
  }
}
