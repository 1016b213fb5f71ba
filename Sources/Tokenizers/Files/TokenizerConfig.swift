import Diagnostics
import JSON

/// What `tokenizer_config.json` and, for what it leaves out, `special_tokens_map.json` say.
struct TokenizerConfig {
  private let config: JSONValue
  private let map: JSONValue

  /// Reads the files of a folder, as far as they are there.
  ///
  /// Errors, at `.file` or a place in it: a file is not JSON.
  init(folder: String) throws(Diagnostic) {
    config = try Self.read("\(folder)/tokenizer_config.json")
    map = try Self.read("\(folder)/special_tokens_map.json")
  }

  private static func read(_ path: String) throws(Diagnostic) -> JSONValue {
    guard TokenizerFile.exists(path) else { return .object([:]) }
    var cursor = JSONCursor(try TokenizerFile.bytes(path), path: path)
    return try cursor.value()
  }

  /// `tokenizer_class` without the ending `Fast`.
  var className: String? {
    guard let name = config["tokenizer_class"]?.string else { return nil }
    return name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
  }

  /// A flag; `nil` where it is absent.
  func flag(_ key: String) -> Bool? {
    if case .bool(let value) = config[key] { value } else { nil }
  }

  /// A text; `nil` where it is absent.
  func text(_ key: String) -> String? { config[key]?.string }

  /// The text of a token such as `bos_token`; `nil` where it is absent or null.
  func token(_ key: String) -> String? {
    for value in [config[key], map[key]] {
      if let text = value?.string ?? value?["content"]?.string { return text }
    }
    return nil
  }

  /// The tokens of `added_tokens_decoder`.
  func addedTokens() -> [AddedTokens.Token] {
    guard case .object(let members) = config["added_tokens_decoder"] else { return [] }
    return members.compactMap { key, value in Int(key).flatMap { .init(value, number: $0) } }
      .sorted { $0.number < $1.number }
  }
}
