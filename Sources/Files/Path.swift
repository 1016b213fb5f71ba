#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Questions about a path, as text and on the disk.
///
/// The texts are those of `NSString`'s path methods for the paths that users give, a tilde apart.
public enum Path {
  /// What a path leads to, through links.
  public enum Kind { case folder, other }

  /// What the path leads to; `nil` if there is nothing, or it may not be looked at.
  public static func kind(of path: String) -> Kind? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return status.st_mode & S_IFMT == S_IFDIR ? .folder : .other
  }

  /// Whether the path leads to something.
  public static func exists(_ path: String) -> Bool { kind(of: path) != nil }

  /// The last component, without slashes after it: `b` of `a/b/`, `/` of `/`, nothing of nothing.
  public static func name(of path: String) -> String {
    let trimmed = withoutSlashesAtEnd(path)
    guard trimmed != "/", let slash = trimmed.lastIndex(of: "/") else { return trimmed }
    return String(trimmed[trimmed.index(after: slash)...])
  }

  /// The path without its last component: `a` of `a/b`, `/` of `/a`, nothing of `a`.
  public static func folder(of path: String) -> String {
    let trimmed = withoutSlashesAtEnd(path)
    guard let slash = trimmed.lastIndex(of: "/") else { return "" }
    return withoutSlashesAtEnd(String(trimmed[...slash]))
  }

  /// What follows the last point of the name, where something comes before it: `gz` of `a.tar.gz`,
  /// nothing of `.profile`, `a.` and `a`.
  public static func suffix(of path: String) -> String {
    let name = name(of: path)
    guard let point = name.lastIndex(of: "."), point != name.startIndex else { return "" }
    return String(name[name.index(after: point)...])
  }

  /// The path without its suffix and the point before it.
  public static func withoutSuffix(_ path: String) -> String {
    let (trimmed, suffix) = (withoutSlashesAtEnd(path), suffix(of: path))
    return suffix.isEmpty ? trimmed : String(trimmed.dropLast(suffix.count + 1))
  }

  /// `name` in `folder`; `name` alone where the folder has no name.
  public static func joining(_ folder: String, _ name: String) -> String {
    let trimmed = withoutSlashesAtEnd(folder)
    if trimmed.isEmpty { return name }
    return trimmed == "/" ? "/\(name)" : "\(trimmed)/\(name)"
  }

  private static func withoutSlashesAtEnd(_ path: String) -> String {
    var rest = path[...]
    while rest.count > 1, rest.last == "/" { rest.removeLast() }
    return String(rest)
  }
}
