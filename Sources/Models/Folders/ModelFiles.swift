import Files

/// The files that a model is read from.
public enum ModelFiles {
  /// Those of a folder that say what the model is.
  private static let configurations = [
    "config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json",
  ]
  /// Those that make tokens of texts.
  private static let tokenizers = [
    "merges.txt", "sentencepiece.bpe.model", "special_tokens_map.json", "spiece.model",
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt",
  ]

  /// The configuration files of a folder that are there; none of what is no folder.
  ///
  /// - Parameter readsTexts: `true` iff texts become tokens, so that the tokenizer counts.
  public static func configurations(of folder: String, readsTexts: Bool) -> [String] {
    guard Path.kind(of: folder) == .folder else { return [] }
    return (configurations + (readsTexts ? tokenizers : []))
      .map { Path.joining(folder, $0) }.filter { RegularFile.size($0) != nil }
  }

  /// The files that ``CheckpointFile`` opens for a file, an index of files or a folder, an index
  /// first; none for `seed:N` and for what is not there.
  public static func weights(of path: String) -> [String] {
    switch Path.kind(of: path) {
    case nil: return []
    case .folder:
      let found = CheckpointFile.fileNames.lazy.map { Path.joining(path, $0) }
        .first { RegularFile.size($0) != nil }
      return found.map(weights) ?? []
    case .other:
      guard path.hasSuffix(".index.json"),
        let members = try? ConfigurationFile(path: path).object("weight_map").members
      else { return [path] }
      let shards = Set(members.values.compactMap(\.string)).sorted()
      return [path] + shards.map { Path.joining(Path.folder(of: path), $0) }
    }
  }
}
