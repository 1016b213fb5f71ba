import Codegen
import Foundation

/// Code that a test of this process has generated, for all others that compile the same.
///
/// In memory, so that it is never older than the compiler that made it. Tests of the object cache,
/// and of what code depends on, compile without it.
final class SharedObjects: ObjectStore {
  /// The one of the process.
  static let all = SharedObjects()

  /// How many bytes are kept; what comes later is generated each time.
  private static let limitBytes = 512 << 20

  private let lock = NSLock()
  nonisolated(unsafe) private var objects: [ModuleKey: [UInt8]] = [:]
  nonisolated(unsafe) private var keptBytes = 0

  func object(of module: ModuleKey) -> [UInt8]? { lock.withLock { objects[module] } }

  func keep(_ object: [UInt8], of module: ModuleKey) {
    lock.withLock {
      guard keptBytes + object.count <= Self.limitBytes, objects[module] == nil else { return }
      objects[module] = object
      keptBytes += object.count
    }
  }
}
