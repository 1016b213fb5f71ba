import FoundationEssentials

extension ObjectCache {
  /// The variable that names another folder; empty: there is no cache.
  public static let variable = "VITC_CACHE"

  /// The user's cache: the folder that `VITC_CACHE` names, or `vitc/objects` in the folder that the
  /// XDG Base Directory Specification gives caches (`$XDG_CACHE_HOME`, `$HOME/.cache`); `nil` where
  /// no folder is named.
  public static func user(
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> ObjectCache? {
    userFolder(environment).map { ObjectCache(folder: $0) }
  }

  static func userFolder(_ environment: [String: String]) -> String? {
    if let folder = environment[variable] { return folder.isEmpty ? nil : folder }
    // "All paths must be absolute. If … a relative path … ignore it."
    if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") {
      return "\(caches)/vitc/objects"
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return "\(home)/.cache/vitc/objects"
  }
}
