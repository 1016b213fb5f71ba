import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The unfinished files and folders of this process: what an interruption must not leave behind.
///
/// Whoever makes one adds it here and takes it away when it is finished or removed; whoever catches
/// the signals that end the process calls ``removeAll(then:)``.
public enum Unfinished {
  private static let paths = Mutex<Set<String>>([])

  /// Adds the file or folder that `make` makes and returns it; `nil` adds nothing.
  ///
  /// An interruption waits for `make`, so nothing is made that it does not know.
  public static func add(_ make: () -> String?) -> String? {
    paths.withLock { paths in
      let path = make()
      if let path { paths.insert(path) }
      return path
    }
  }

  /// Forgets a file or folder, which now is finished or gone.
  public static func forget(_ path: String) {
    _ = paths.withLock { $0.remove(path) }
  }

  /// Runs `body`, which an interruption does not tear apart: it waits.
  public static func uninterrupted<Result>(_ body: () -> Result) -> Result {
    paths.withLock { _ in body() }
  }

  /// Removes all, folders with the files in them, and calls `end`; nothing can be added after it.
  public static func removeAll(then end: () -> Void) {
    paths.withLock { paths in
      for path in paths { remove(path) }
      paths = []
      end()
    }
  }

  /// Removes those in one folder and goes on, as tests do.
  static func removeAll(inside folder: String) {
    paths.withLock { paths in
      for path in paths where path.hasPrefix(folder + "/") {
        remove(path)
        paths.remove(path)
      }
    }
  }

  private static func remove(_ path: String) {
    guard unlink(path) != 0 else { return }
    // A tool that still runs may add a file between two looks; after some it is left to its fate.
    for _ in 0..<100 where rmdir(path) != 0 && errno == ENOTEMPTY {
      guard let folder = opendir(path) else { return }
      defer { closedir(folder) }
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { unlink("\(path)/\(name)") }
      }
    }
  }
}
