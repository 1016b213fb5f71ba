import Diagnostics
import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where the files of a folder come from, as far as the folder tells.
public struct ModelOrigin: Hashable, Sendable {
  /// The repository: `google/vit-base-patch16-224` on the Hugging Face hub, or the address that the
  /// folder was cloned from; `nil` where nothing says it.
  public private(set) var repository: String?
  /// The commit, 40 hexadecimal digits (64 of git's newer kind); `nil` where nothing says it.
  public private(set) var revision: String?
  /// The licences that the model card names, in the hub's spelling (`apache-2.0`).
  public private(set) var licenses: [String] = []
  /// What the card calls a licence of its own.
  public private(set) var licenseName: String?
  /// Where that is to be read.
  public private(set) var licenseLink: String?

  /// Reads what a folder tells.
  ///
  /// Repository and commit are told by the first of these that is there:
  ///
  /// 1. its place in a cache of the hub: `models--OWNER--NAME/snapshots/COMMIT`,
  /// 2. what `hf download --local-dir` leaves: `.cache/huggingface/download/FILE.metadata`, whose
  ///    first line is the commit (no repository stands there),
  /// 3. git: `.git` in the folder itself, with the address of the remote `origin`.
  ///
  /// Nothing that is missing or odd is an error.
  public init(folder: String) {
    if let card = ModelCard(folder: folder) {
      (licenses, licenseName, licenseLink) = (card.licenses, card.licenseName, card.licenseLink)
    }
    if let (repository, revision) = Self.cached(folder) {
      (self.repository, self.revision) = (repository, revision)
    } else if let revision = Self.downloaded(folder) {
      self.revision = revision
    } else {
      let found = Self.cloned(folder)
      (repository, revision) = (found.repository, found.revision)
    }
  }

  /// The hub's cache.
  private static func cached(_ folder: String) -> (String, String)? {
    guard let resolved = realpath(folder, nil) else { return nil }
    defer { free(resolved) }
    let parts = String(cString: resolved).split(separator: "/")
    guard parts.count >= 3, parts[parts.count - 2] == "snapshots", isCommit(parts[parts.count - 1])
    else { return nil }
    let prefix = "models--"
    guard parts[parts.count - 3].hasPrefix(prefix) else { return nil }
    let name = parts[parts.count - 3].dropFirst(prefix.count)
    return (String(name).replacing("--", with: "/"), String(parts[parts.count - 1]))
  }

  /// What a download to a folder left; files of several commits have none.
  private static func downloaded(_ folder: String) -> String? {
    let notes = Path.joining(folder, ".cache/huggingface/download")
    var found: Set<String> = []
    for name in (try? FolderNames(notes))?.names ?? [] where name.hasSuffix(".metadata") {
      guard let line = firstLine(Path.joining(notes, name)), isCommit(line[...]) else { continue }
      found.insert(line)
    }
    return found.count == 1 ? found.first : nil
  }

  /// Git's own files.
  private static func cloned(_ folder: String) -> (repository: String?, revision: String?) {
    let git = Path.joining(folder, ".git")
    guard Path.kind(of: git) == .folder, let head = firstLine(Path.joining(git, "HEAD")) else {
      return (nil, nil)
    }
    var revision: String?
    if head.hasPrefix("ref: ") {
      let reference = String(head.dropFirst(5))
      let packed = lines(Path.joining(git, "packed-refs")).first { $0.hasSuffix(" \(reference)") }
      // The name comes from a file: it must lead to one of git's.
      if reference.hasPrefix("refs/"), !reference.contains("..") {
        revision =
          firstLine(Path.joining(git, reference))
          ?? packed?.split(separator: " ").first.map(String.init)
      }
    } else {
      revision = head
    }
    return (remote(Path.joining(git, "config")), revision.flatMap { isCommit($0[...]) ? $0 : nil })
  }

  /// The address of the remote `origin` in git's configuration; of the hub's, `OWNER/NAME`.
  private static func remote(_ path: String) -> String? {
    var isOrigin = false
    for line in lines(path) {
      let text = line.filter { !$0.isWhitespace }
      if text.hasPrefix("[") { isOrigin = text == "[remote\"origin\"]" }
      if isOrigin, text.hasPrefix("url=") { return address(String(text.dropFirst(4))) }
    }
    return nil
  }

  /// An address without the name and the secret of who reads it.
  static func address(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    var rest = url[scheme.upperBound...]
    let host = rest.prefix { $0 != "/" }
    if let at = host.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    if rest.hasSuffix(".git") { rest.removeLast(4) }
    let hub = "huggingface.co/"
    if rest.hasPrefix(hub) { return String(rest.dropFirst(hub.count)) }
    return String(url[..<scheme.upperBound]) + String(rest)
  }

  /// 40 hexadecimal digits, or 64.
  private static func isCommit(_ text: Substring) -> Bool {
    [40, 64].contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }
  }

  private static func firstLine(_ path: String) -> String? { lines(path).first }

  private static func lines(_ path: String) -> [String] {
    guard RegularFile.size(path) != nil, let bytes = try? TextFile.bytes(path),
      let text = try? TextFile.text(bytes, path)
    else { return [] }
    return text.split(whereSeparator: \.isNewline).map(String.init)
  }
}
