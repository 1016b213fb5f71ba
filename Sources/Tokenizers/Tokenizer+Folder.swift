import Diagnostics

extension Tokenizer {
  /// Reads the tokenizer of a model's folder.
  ///
  /// Of transformers' classes CLIPTokenizer, SiglipTokenizer, Siglip2Tokenizer, GemmaTokenizer,
  /// XLMRobertaTokenizer, T5Tokenizer and TokenizersBackend are known: the one that AutoTokenizer
  /// takes for the folder.
  ///
  /// Errors: another class, by name; a file that is missing, by name, or damaged; a step of
  /// `tokenizer.json` that is not known; a special token without a number.
  public init(_ request: TokenizerRequest) throws(Diagnostic) {
    let files = try TokenizerFolder(request)
    if let openCLIP = request.openCLIP, !openCLIP.usesTransformers {
      self = try files.openCLIP()
      return
    }
    switch files.className {
    case "CLIPTokenizer": self = try files.clip()
    case "SiglipTokenizer": self = try files.sigLIP()
    case "Siglip2Tokenizer", "GemmaTokenizer": self = try files.gemma()
    case "XLMRobertaTokenizer": self = try files.unigram(unknown: 3, begins: true)
    case "T5Tokenizer": self = try files.unigram(unknown: 2, begins: false)
    case "TokenizersBackend", "PreTrainedTokenizer": self = try files.asWritten()
    case let name:
      throw Diagnostic(
        name.isEmpty
          ? "there is no tokenizer_config.json that names a tokenizer's class"
          : "the tokenizer is a '\(name)', which vitc does not know", at: .file(request.folder),
        hint: "'--text-vectors' takes vectors that were made elsewhere")
    }
  }
}

/// A folder while a tokenizer is made of its files.
struct TokenizerFolder {
  let request: TokenizerRequest
  let config: TokenizerConfig
  let className: String

  /// transformers' table `TOKENIZER_MAPPING_NAMES`, as far as there are two towers.
  private static let registered = [
    "clip": "CLIPTokenizer", "aimv2": "CLIPTokenizer", "siglip": "SiglipTokenizer",
    "siglip2": "Siglip2Tokenizer", "metaclip_2": "XLMRobertaTokenizer",
  ]

  init(_ request: TokenizerRequest) throws(Diagnostic) {
    self.request = request
    config = try TokenizerConfig(folder: request.folder)
    let registered = Self.registered[request.modelType]
    // For siglip2 AutoTokenizer passes over what folders say, since it is wrong in published ones.
    className =
      request.modelType == "siglip2" ? "Siglip2Tokenizer" : config.className ?? registered ?? ""
  }

  /// The characters of a special token; published ones have 20 at most.
  private static let mostOfToken = 256

  /// The path of a file, `nil` where it is absent.
  private func file(_ name: String) -> String? {
    let path = "\(request.folder)/\(name)"
    return TokenizerFile.exists(path) ? path : nil
  }

  private func missing(_ names: String) -> Diagnostic {
    Diagnostic(
      "there is no \(names), which the tokenizer is read from", at: .file(request.folder),
      hint: "copy the tokenizer's files of the model into its folder, or give vectors that were "
        + "made elsewhere by '--text-vectors'")
  }

  /// `tokenizer.json`.
  private func json() throws(Diagnostic) -> TokenizerJSON {
    guard let path = file("tokenizer.json") else { throw missing("tokenizer.json") }
    return try TokenizerJSON(path: path)
  }

  /// Special tokens by what they are for, with the number of each.
  private struct Specials {
    var numbers: [String: Int32] = [:]
    var added: [AddedTokens.Token]
  }

  /// The special tokens `names`, and all added tokens: those of the configuration before the
  /// file's.
  private func specials(
    _ defaults: KeyValuePairs<String, String>, _ fromFile: [AddedTokens.Token],
    strips: Bool = false, _ number: (String) -> Int32?
  ) throws(Diagnostic) -> Specials {
    var specials = Specials(added: try config.addedTokens())
    for token in fromFile where !specials.added.contains(where: { $0.content == token.content }) {
      specials.added.append(token)
    }
    for (key, standard) in defaults {
      let text = config.token(key) ?? standard
      let content = Scalars(text)
      guard content.count <= Self.mostOfToken else {
        throw Diagnostic(
          "the tokenizer's \(key) has \(content.count) characters, expected "
            + "\(Self.mostOfToken) at most", at: .file(request.folder))
      }
      let known = specials.added.first { $0.content == content }
      guard let number = known?.number ?? number(text) else {
        throw Diagnostic(
          "the tokenizer's \(key) '\(text)' is not a piece of its vocabulary",
          at: .file(request.folder))
      }
      specials.numbers[key] = number
      if known == nil {
        specials.added.append(
          .init(
            content: content, number: number, isNormalized: false, stripsLeft: strips,
            stripsRight: strips))
      }
    }
    return specials
  }

  /// A tokenizer with what all have in common.
  private func tokenizer(
    _ kind: Tokenizer.Kind, _ frame: Pipeline.Frame, padding: Int32, padsLeft: Bool = false,
    name: String? = nil, cleaning: OpenCLIPCleaning? = nil, keepsOwnEnd: Bool = false
  ) throws(Diagnostic) -> Tokenizer {
    try check(frame, padding)
    if case .pipeline(let pipeline) = kind { try pipeline.check(at: .file(request.folder)) }
    var cleaning = cleaning
    if cleaning == nil { cleaning = try self.cleaning(standard: .whitespace) }
    return Tokenizer(
      name: name ?? className, length: request.length, padding: padding, kind: kind,
      cleaning: cleaning, frame: frame,
      padsLeft: config.text("padding_side").map { $0 == "left" } ?? padsLeft,
      truncatesLeft: config.text("truncation_side") == "left", keepsOwnEnd: keepsOwnEnd)
  }

  /// Throws where the tokens around a text are none, or leave no room for it.
  private func check(_ frame: Pipeline.Frame, _ padding: Int32) throws(Diagnostic) {
    let around = frame.before + frame.behind
    if let wrong = (around + [padding]).first(where: { $0 < 0 }) {
      throw Diagnostic(
        "the tokenizer puts the number \(wrong) around texts, expected 0 or more",
        at: .file(request.folder))
    }
    guard around.count <= request.length else {
      throw Diagnostic(
        "the tokenizer puts \(around.count) tokens around a text, but texts have "
          + "\(request.length) in all", at: .file(request.folder))
    }
  }

  private func cleaning(standard: OpenCLIPCleaning) throws(Diagnostic) -> OpenCLIPCleaning? {
    guard let openCLIP = request.openCLIP else { return nil }
    guard let name = openCLIP.cleaning else { return standard }
    guard let cleaning = OpenCLIPCleaning(rawValue: name) else {
      throw Diagnostic(
        "'text_cfg.tokenizer_kwargs.clean' is '\(name)', expected lower, whitespace or "
          + "canonicalize",
        at: .file("\(request.folder)/open_clip_config.json"))
    }
    return cleaning
  }

  /// Pieces, merges and added tokens of `tokenizer.json`, or of `vocab.json` and `merges.txt`.
  private func bytePairs() throws(Diagnostic) -> (BytePairModel, [AddedTokens.Token]) {
    if file("tokenizer.json") != nil {
      let json = try json()
      guard json.kind == "BPE" else {
        throw json.unsupported("the model of a \(className) is '\(json.kind)'")
      }
      return (try json.bytePairs(), try json.addedTokens())
    }
    guard let vocabulary = file("vocab.json"), let merges = file("merges.txt") else {
      throw missing("tokenizer.json, nor vocab.json with merges.txt")
    }
    let pieces = try Vocabulary.pieces(path: vocabulary)
    let pairs = try Vocabulary.merges(path: merges, pieces)
    return (BytePairModel(pieces: pieces, merges: pairs), [])
  }

  /// transformers' CLIPTokenizer, which makes its steps itself, whatever the file says of them.
  func clip() throws(Diagnostic) -> Tokenizer {
    var (model, added) = try bytePairs()
    let specials = try specials(
      [
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
      ], added
    ) { model.pieces.number($0) }
    model.unknown = specials.numbers["unk_token"]
    (model.fusesUnknown, model.fallsBackToBytes, model.ignoresMerges) = (false, false, false)
    model.endOfWord = Array("</w>".utf8)
    let pipeline = Pipeline(
      addedTokens: specials.added, normalizers: [.nfc, .collapseSpace, .lowercase],
      splitters: [.clipWords(.transformers), .byteLetters], model: .bytePairs(model))
    return try tokenizer(
      .pipeline(pipeline), frame(specials.numbers, begins: true),
      padding: specials.numbers["pad_token"] ?? 0)
  }

  /// The beginning and the end around a text.
  private func frame(_ numbers: [String: Int32], begins: Bool) -> Pipeline.Frame {
    Pipeline.Frame(
      before: begins ? [numbers["bos_token"]].compactMap(\.self) : [],
      behind: [numbers["eos_token"]].compactMap(\.self))
  }

  /// What `add_bos_token` and `add_eos_token` say, if either is there, else the file's frame.
  private func frame(
    _ json: TokenizerJSON, _ numbers: [String: Int32]
  ) throws(Diagnostic) -> Pipeline.Frame {
    let (begins, ends) = (config.flag("add_bos_token"), config.flag("add_eos_token"))
    guard begins == nil, ends == nil else {
      return Pipeline.Frame(
        before: begins == true ? [numbers["bos_token"]].compactMap(\.self) : [],
        behind: ends == true ? [numbers["eos_token"]].compactMap(\.self) : [])
    }
    return try json.frame() ?? .init()
  }

  /// transformers' GemmaTokenizer and Siglip2Tokenizer.
  ///
  /// The first keeps capitals unless the file or the configuration asks for lower case.
  func gemma() throws(Diagnostic) -> Tokenizer {
    let json = try json()
    guard json.kind == "BPE" else {
      throw json.unsupported("the model of a \(className) is '\(json.kind)'")
    }
    var model = try json.bytePairs()
    let specials = try specials(
      [
        "pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>",
      ], try json.addedTokens()
    ) { json.number($0) }
    model.unknown = specials.numbers["unk_token"]
    (model.fusesUnknown, model.fallsBackToBytes, model.ignoresMerges) = (true, true, false)
    model.endOfWord = []
    let lowersCase =
      className == "Siglip2Tokenizer" || config.flag("do_lower_case") == true || json.lowersCase
    let pipeline = Pipeline(
      addedTokens: specials.added,
      normalizers: (lowersCase ? [.lowercase] : []) + [.replace([" "], with: ["▁"])],
      splitters: [.blanks(.mergedWithPrevious)], model: .bytePairs(model))
    return try tokenizer(
      .pipeline(pipeline), try frame(json, specials.numbers),
      padding: specials.numbers["pad_token"] ?? 0,
      padsLeft: json.part("padding")?["direction"]?.string != "Right")
  }

  /// transformers' SiglipTokenizer.
  func sigLIP() throws(Diagnostic) -> Tokenizer {
    guard let path = file("spiece.model") else { throw missing("spiece.model") }
    let file = try SentencePieceFile(path: path, bytes: try TokenizerFile.bytes(path))
    let specials = try specials(
      ["eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>"], [], strips: true
    ) { file.names.number($0) }
    let text = SigLIPText(
      file: file, unknown: config.token("unk_token") ?? "<unk>",
      lowersCase: config.flag("do_lower_case") ?? true, addedTokens: specials.added)
    return try tokenizer(
      .sigLIP(text), frame(specials.numbers, begins: false),
      padding: specials.numbers["pad_token"] ?? 1, keepsOwnEnd: true)
  }

  /// transformers' XLMRobertaTokenizer and T5Tokenizer: unigram models whose words begin with `▁`.
  func unigram(unknown: Int32, begins: Bool) throws(Diagnostic) -> Tokenizer {
    let json = try json()
    guard json.kind == "Unigram" else {
      throw json.unsupported("the model of a \(className) is '\(json.kind)'")
    }
    let specials = try specials(
      begins
        ? ["bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"]
        : ["eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"], try json.addedTokens()
    ) { json.number($0) }
    let prepends: Splitter.Prepending =
      begins && config.flag("add_prefix_space") == false ? .never : .always
    let pipeline = Pipeline(
      addedTokens: specials.added,
      normalizers: try json.charsMap().map { [.charsMap($0)] } ?? [],
      splitters: [.whiteSpace, .metaspace(mark: "▁", prepends: prepends, splits: true)],
      model: .unigram(try json.unigram(unknown: unknown)))
    return try tokenizer(
      .pipeline(pipeline), frame(specials.numbers, begins: begins),
      padding: specials.numbers["pad_token"] ?? 0)
  }

  /// transformers' TokenizersBackend: `tokenizer.json` as it is.
  func asWritten() throws(Diagnostic) -> Tokenizer {
    let json = try json()
    var added = try config.addedTokens()
    for token in try json.addedTokens()
    where !added.contains(where: { $0.content == token.content }) {
      added.append(token)
    }
    func number(_ key: String) -> Int32? {
      guard let text = config.token(key) else { return nil }
      return json.number(text) ?? added.first { $0.content == Scalars(text) }?.number
    }
    var padding = number("pad_token")
    if padding == nil, case .integer(let id) = json.part("padding")?["pad_id"] {
      padding = Int32(exactly: id)
    }
    guard let padding else {
      throw Diagnostic(
        "the tokenizer has no pad_token that is a piece of its vocabulary",
        at: .file(request.folder))
    }
    let numbers = ["bos_token", "eos_token"].map { ($0, number($0)) }
    let pipeline = Pipeline(
      addedTokens: added, normalizers: try json.normalizers(), splitters: try json.splitters(),
      model: try json.wordModel())
    return try tokenizer(
      .pipeline(pipeline),
      try frame(
        json, Dictionary(uniqueKeysWithValues: numbers.compactMap { key, n in n.map { (key, $0) } })
      ),
      padding: padding, padsLeft: json.part("padding")?["direction"]?.string == "Left")
  }

  /// open_clip's SimpleTokenizer, with the vocabulary of CLIP's files in the folder.
  func openCLIP() throws(Diagnostic) -> Tokenizer {
    var (model, added) = try bytePairs()
    func number(_ names: [String]) -> Int32? {
      for name in names {
        if let number = model.pieces.number(name)
          ?? added.first(where: { $0.content == Scalars(name) })?.number
        {
          return number
        }
      }
      return nil
    }
    guard let start = number(["<|startoftext|>", "<start_of_text>"]),
      let end = number(["<|endoftext|>", "<end_of_text>"])
    else {
      throw Diagnostic(
        "the vocabulary has no '<|startoftext|>' or '<|endoftext|>'", at: .file(request.folder))
    }
    model.unknown = nil
    (model.fusesUnknown, model.fallsBackToBytes, model.ignoresMerges) = (false, false, false)
    model.endOfWord = Array("</w>".utf8)
    let specials = ClipWordRule.openCLIP.specials
    let text = OpenCLIPText(
      model: model, specials: [specials[0]: start, specials[1]: end])
    return try tokenizer(
      .openCLIP(text), .init(before: [start], behind: [end]), padding: 0,
      name: "open_clip's SimpleTokenizer", cleaning: try cleaning(standard: .lower))
  }
}
