import Diagnostics
import JSON

/// What `tokenizer_config.json` and, for what it leaves out, `special_tokens_map.json` say.
struct TokenizerConfig {
  private let folder: String
  private let config: JSONValue
  private let map: JSONValue

  /// Reads the files of a folder, as far as they are there.
  ///
  /// Errors, at `.file` or a place in it: a file is not JSON.
  init(folder: String) throws(Diagnostic) {
    self.folder = folder
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
  ///
  /// Errors, at `.file`: one without a text or a number.
  func addedTokens() throws(Diagnostic) -> [AddedTokens.Token] {
    guard case .object(let members) = config["added_tokens_decoder"] else { return [] }
    return try members.sorted { $0.key < $1.key }.map { (key, value) throws(Diagnostic) in
      guard let number = Int(key), let token = AddedTokens.Token(value, number: number) else {
        throw Diagnostic(
          "'added_tokens_decoder.\(key)' has no 'content', or is no number from 0 to \(Int32.max)",
          at: .file("\(folder)/tokenizer_config.json"))
      }
      return token
    }.sorted { $0.number < $1.number }
  }
}
