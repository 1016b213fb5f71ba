import Foundation

/// What the plugin must know of a file `NAME.vit.json` to plan a build: vitc itself reads the rest,
/// and says what is wrong with it.
struct ModelDescription {
  /// How the names of such files end.
  static let suffix = ".vit.json"

  /// The file.
  let url: URL
  /// The prefix of the model's symbols, and of the files made.
  let name: String
  /// The files that it names, whose changes are seen.
  let inputs: [URL]
  /// `true` iff the weights are in a file of their own.
  let hasWeightsFile: Bool

  /// Looks at a description.
  init(_ url: URL) throws {
    self.url = url
    name = String(url.lastPathComponent.dropLast(Self.suffix.count))
    guard name.wholeMatch(of: /[a-z][A-Za-z0-9_]*/) != nil else {
      throw Failure(
        "'\(url.path)' gives the model its name, which begins with a small letter and has letters, "
          + "digits and _ only; found '\(name)'")
    }
    let json = try? JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
    let options = json?["options"] as? [String: Any]
    hasWeightsFile = options?["weights-file"] as? Bool ?? false
    inputs = Self.texts(json ?? [:]).flatMap { Self.files(named: $0, beside: url) }
  }

  /// All strings in a JSON value.
  private static func texts(_ value: Any) -> [String] {
    switch value {
    case let text as String: [text]
    case let list as [Any]: list.flatMap(texts)
    case let members as [String: Any]: members.values.flatMap(texts)
    default: []
    }
  }

  /// The file of this name, or the files of the folder; none if there is neither.
  private static func files(named text: String, beside url: URL) -> [URL] {
    let place = URL(fileURLWithPath: text, relativeTo: url.deletingLastPathComponent())
      .standardizedFileURL
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard !text.isEmpty, files.fileExists(atPath: place.path, isDirectory: &isFolder) else {
      return []
    }
    guard isFolder.boolValue else { return [place] }
    let all = files.enumerator(
      at: place, includingPropertiesForKeys: [.isRegularFileKey], options: [.skipsHiddenFiles])
    return (all?.compactMap { $0 as? URL } ?? []).filter {
      (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) ?? true
    }.sorted { $0.path < $1.path }
  }
}
