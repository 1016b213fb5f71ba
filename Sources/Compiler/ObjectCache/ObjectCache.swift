import Codegen
import Files
import Packaging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder of objects that were generated before: the next compile of the same architecture, with
/// whatever weights, needs LLVM no more.
///
/// It never is in the way: where the folder cannot be made, written or trusted, where the disk is
/// full or a file is damaged, code is generated as without it. Files are written by rename, so that
/// compiles may share the folder; a folder or a file that another user could have written is not
/// read, since what is in it becomes code. The objects used least recently go where there are more
/// bytes than allowed.
public final class ObjectCache: ObjectStore {
  /// The most bytes that the user's cache takes: the code of some 200 architectures.
  public static let usualLimit = 256 << 20

  /// Where the files are.
  public let folder: String
  /// The most bytes that they take together.
  public let limit: Int
  private let identity: String?
  private let counts = Mutex((found: 0, missed: 0))

  /// Uses a folder, which is made when the first object is kept.
  public convenience init(folder: String, limit: Int = ObjectCache.usualLimit) {
    self.init(folder: folder, limit: limit, identity: ProgramIdentity.current)
  }

  /// - Parameter identity: tells the program that generates code; `nil`: it is not known, and
  ///   nothing is found or kept.
  init(folder: String, limit: Int = ObjectCache.usualLimit, identity: String?) {
    self.folder = folder
    self.limit = limit
    self.identity = identity
  }

  /// How many modules were found, and how many were not, since this value was made.
  public var uses: (found: Int, missed: Int) { counts.withLock { $0 } }

  /// The object of a module.
  public func object(of module: ModuleKey) -> [UInt8]? {
    let object = stored(module)
    counts.withLock { object == nil ? ($0.missed += 1) : ($0.found += 1) }
    return object
  }

  private func stored(_ module: ModuleKey) -> [UInt8]? {
    guard let key = key(module), problem == nil, let bytes = contents(of: path(key)),
      let entry = CachedObject(bytes), entry.key == key
    else { return nil }
    return entry.object
  }

  /// Keeps the object of a module, and removes others for it.
  public func keep(_ object: [UInt8], of module: ModuleKey) {
    guard let key = key(module) else { return }
    let bytes = CachedObject(key: key, object: object).bytes
    guard bytes.count <= limit, make(folder), problem == nil else { return }
    do {
      try AtomicFile.write(path: path(key), contents: bytes)
    } catch {
      // Another time.
      return
    }
    makeRoom()
  }

  private func key(_ module: ModuleKey) -> [UInt8]? {
    identity.map { Array("\($0)\n\(module.text)".utf8) }
  }

  private func path(_ key: [UInt8]) -> String {
    let hash = key.withUnsafeBytes { WeightHash(of: $0) }
    return Path.joining(folder, "\(hash)\(Self.suffix)")
  }

  /// What the names of its files end with.
  static let suffix = ".object"

  /// The bytes of a file of ours, which is used now.
  private func contents(of path: String) -> [UInt8]? {
    // Not a link, and no waiting for a pipe.
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid(), status.st_mode & S_IWOTH == 0, status.st_size <= limit
    else { return nil }
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, initialized in
      while initialized < buffer.count {
        let rest = UnsafeMutableBufferPointer(rebasing: buffer[initialized...])
        let count = read(file, rest.baseAddress, rest.count)
        guard count > 0 else { break }
        initialized += count
      }
    }
    futimens(file, nil)
    return bytes
  }

  /// Makes a folder with those that it is in, for this user alone; `false` where that fails.
  private func make(_ folder: String) -> Bool {
    if Path.kind(of: folder) == .folder { return true }
    let parent = Path.folder(of: folder)
    guard parent.isEmpty || parent == folder || make(parent) else { return false }
    return mkdir(folder, 0o700) == 0 || errno == EEXIST
  }
}

/// What is in the folder.
extension ObjectCache {
  /// A file of the cache.
  private struct Entry {
    let path: String
    let bytes: Int
    let used: (Int, Int)
  }

  private var entries: [Entry] {
    guard let names = try? FolderNames(folder).names else { return [] }
    return names.filter { $0.hasSuffix(Self.suffix) }.compactMap { name in
      let path = Path.joining(folder, name)
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      return Entry(
        path: path, bytes: Int(status.st_size),
        used: (status.st_mtim.tv_sec, status.st_mtim.tv_nsec))
    }
  }

  /// How many objects there are, and how many bytes their files have.
  public var size: (count: Int, bytes: Int) {
    let entries = entries
    return (entries.count, entries.reduce(0) { $0 + $1.bytes })
  }

  /// Why the folder is not used; `nil`: it is, or will be made.
  public var problem: String? {
    if identity == nil { return "this program's own file cannot be read: is /proc mounted?" }
    var status = stat()
    guard stat(folder, &status) == 0 else {
      return errno == ENOENT ? nil : "it cannot be looked at"
    }
    if status.st_mode & S_IFMT != S_IFDIR { return "it is not a folder" }
    if status.st_uid != geteuid() { return "it belongs to another user" }
    if status.st_mode & (S_IWGRP | S_IWOTH) != 0 { return "other users may write to it" }
    return nil
  }

  /// Removes all objects.
  ///
  /// - Returns: how many there were.
  public func clear() -> Int {
    Leftovers.remove(in: folder)
    return entries.count { unlink($0.path) == 0 }
  }

  /// Removes what was used least recently until the rest is within the limit.
  private func makeRoom() {
    let entries = entries
    var bytes = entries.reduce(0) { $0 + $1.bytes }
    guard bytes > limit else { return }
    Leftovers.remove(in: folder)
    for entry in entries.sorted(by: { $0.used < $1.used }) {
      guard bytes > limit else { return }
      unlink(entry.path)
      bytes -= entry.bytes
    }
  }
}
