import Diagnostics
import Files
import Testing
import Tokenizers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What is wrong with a tokenizer's folder is said by name.
@Suite struct TokenizerErrorTests {
  /// What reading a folder with these files reports.
  private func failure(_ files: [String: String], type: String = "clip") throws -> Diagnostic? {
    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let folder = "\(temporary)/vitc-tokenizer-\(UInt64.random(in: 0...UInt64.max))"
    #expect(mkdir(folder, 0o700) == 0)
    defer {
      for name in files.keys { unlink("\(folder)/\(name)") }
      rmdir(folder)
    }
    for (name, text) in files {
      try AtomicFile.write(path: "\(folder)/\(name)", contents: Array(text.utf8))
    }
    do throws(Diagnostic) {
      _ = try Tokenizer(TokenizerRequest(folder: folder, modelType: type, length: 77))
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("clip", "there is no tokenizer.json, nor vocab.json with merges.txt"),
    ("siglip", "there is no spiece.model"), ("siglip2", "there is no tokenizer.json"),
    ("metaclip_2", "there is no tokenizer.json"),
    ("chinese_clip", "there is no tokenizer_config.json that names a tokenizer's class"),
  ])
  func missingFiles(_ type: String, _ message: String) throws {
    let found = try #require(try failure([:], type: type))
    #expect(found.message.hasPrefix(message))
    #expect(found.hint?.contains("--text-vectors") == true)
  }

  @Test func unknownClass() throws {
    let found = try failure(["tokenizer_config.json": #"{"tokenizer_class": "BertTokenizerFast"}"#])
    #expect(found?.message == "the tokenizer is a 'BertTokenizer', which vitc does not know")
  }

  @Test(arguments: [
    (#"{"model": {"type": "WordPiece", "vocab": {"a": 0}}}"#, "is 'WordPiece', expected BPE"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0, "a": 1}}}"#, "the piece 'a' is there twice"),
    (#"{"model": {"type": "BPE", "vocab": {"a": -1}}}"#, "expected the number of a piece"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}"#, "a merge that is not"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 0 "#, "expected '}'"),
    (
      #"{"model": {"type": "BPE", "vocab": {"a": 0}}}"#,
      "bos_token '<|startoftext|>' is not a piece"
    ),
    (#"{"version": "1.0"}"#, "'model' is missing"),
    (#"{"model": {"type": "BPE", "vocab": {"a": 900}}}"#, "900 in a file of 47 bytes"),
    (#"{"model": {"type": "BPE", "vocab": {}, "vocab": {}}}"#, "'model.vocab' is there twice"),
    (#"{"model": {"type": "BPE"}, "model": {"type": "BPE"}}"#, "'model' is there twice"),
    (#"{"model": {"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}}}"#, "'model.dropout' is"),
  ])
  func damagedFile(_ text: String, _ message: String) throws {
    let found = try #require(try failure(["tokenizer.json": text]))
    #expect(found.message.contains(message), "\(found)")
  }

  @Test(arguments: [
    (#""normalizer": {"type": "StripAccents"}"#, "the normalizer is 'StripAccents'"),
    (#""pre_tokenizer": {"type": "Bert"}"#, "the pre-tokenizer is 'Bert'"),
    (
      #""pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x"}, "behavior": "Removed"}"#,
      "divides at 'x' (Removed)"
    ),
    (#""post_processor": {"type": "Other"}"#, "the post-processor is 'Other'"),
  ])
  func unknownStep(_ part: String, _ message: String) throws {
    let found = try #require(
      try failure([
        "tokenizer_config.json": #"{"tokenizer_class": "TokenizersBackend", "pad_token": "a"}"#,
        "tokenizer.json": #"{"model": {"type": "BPE", "vocab": {"a": 0}}, \#(part)}"#,
      ]))
    #expect(found.message.contains(message) && found.message.hasSuffix("vitc does not know"))
  }

  /// What would make a text long without measure, or give it numbers that are none.
  @Test(arguments: [
    (
      #""normalizer": {"type": "Sequence", "normalizers": [\#(doubling), \#(doubling)]}"#,
      "more than 256 times as long"
    ),
    (
      #""pre_tokenizer": {"type": "Sequence", "pretokenizers": [\#(splits)]}"#,
      "33 pre-tokenizers, expected 32 at most"
    ),
    (#""added_tokens": [{"id": -1, "content": "x"}]"#, "'added_tokens' has one without"),
    (#""added_tokens": [{"id": 1}]"#, "'added_tokens' has one without"),
    (
      #""post_processor": {"type": "BertProcessing", "cls": ["a", -2], "sep": ["a", 0]}"#,
      "puts the number -2 around texts"
    ),
    (
      #""post_processor": {"type": "TemplateProcessing", "single": [\#(frame)], \#(ids)}"#,
      "puts 78 tokens around a text, but texts have 77 in all"
    ),
  ])
  func hostileStep(_ part: String, _ message: String) throws {
    let found = try #require(
      try failure([
        "tokenizer_config.json": #"{"tokenizer_class": "TokenizersBackend", "pad_token": "a"}"#,
        "tokenizer.json": #"{"model": {"type": "BPE", "vocab": {"a": 0}}, \#(part)}"#,
      ]))
    #expect(found.message.contains(message), "\(found)")
  }

  private static let doubling =
    #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaa"}"#
  private static let splits = Array(repeating: #"{"type": "WhitespaceSplit"}"#, count: 33)
    .joined(separator: ", ")
  private static let frame = #"{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "a"}}"#
  private static let ids =
    #""special_tokens": {"a": {"ids": ["#
    + Array(repeating: "0", count: 78).joined(separator: ", ") + "]}}"

  @Test(arguments: [
    (#""added_tokens_decoder": {"x": {"content": "y"}}"#, "'added_tokens_decoder.x' has no"),
    (#""unk_token": "\#(String(repeating: "x", count: 300))""#, "unk_token has 300 characters"),
  ])
  func hostileConfiguration(_ part: String, _ message: String) throws {
    let found = try #require(
      try failure([
        "tokenizer_config.json": "{\(part)}",
        "tokenizer.json":
          #"{"model": {"type": "BPE", "vocab": {"<|startoftext|>": 0, "<|endoftext|>": 1}}}"#,
      ]))
    #expect(found.message.contains(message), "\(found)")
  }

  @Test(arguments: ["", "\u{0}", "version https://git-lfs.github.com/spec/v1"])
  func damagedModel(_ text: String) throws {
    let found = try #require(try failure(["spiece.model": text], type: "siglip"))
    #expect(found.message.contains(text.isEmpty ? "empty" : "SentencePiece"), "\(found)")
  }

  @Test func whatOpenCLIPWouldRepair() throws {
    let tokenizer = try Tokenizer(
      TokenizerRequest(
        folder: "\(TokenizerGoldens.folder)/openclip", modelType: "", length: 77,
        openCLIP: .init(usesTransformers: false, cleaning: nil)))
    #expect(try tokenizer.tokens("AT&T").numbers == tokenizer.tokens("at&amp;t").numbers)
    for (text, part) in [
      ("schÃ¶n", "read in a wrong encoding"), ("caf&eacute;", "the entity '&eacute;'"),
      ("a &copy b", "the entity '&copy'"),
    ] {
      let found = #expect(throws: Diagnostic.self) { try tokenizer.tokens(text) }
      #expect(found?.message.contains(part) == true)
    }
  }

  @Test func longTextsAreCut() throws {
    let tokenizer = try Tokenizer(
      TokenizerRequest(
        folder: "\(TokenizerGoldens.folder)/clip", modelType: "clip", length: 12))
    let tokens = try tokenizer.tokens("1 2 3 4 5 6 7 8 9 0 1 2 3")
    #expect(tokens.isTruncated && tokens.wholeCount == 15 && tokens.numbers.count == 12)
    #expect(try !tokenizer.tokens("1 2").isTruncated)
    #expect(tokenizer.padded([1, 2]).count == 12)
  }
}
