import ServiceLifecycle
import Synchronization

/// Whether the server still wants requests.
public final class Drain: Sendable {
  private let isDraining = Mutex(false)

  /// Creates one that does.
  public init() {}

  /// `true` iff the server is about to end.
  public var hasBegun: Bool { isDraining.withLock { $0 } }

  /// From now on the server is not ready, and asks clients to close their connections.
  public func begin() { isDraining.withLock { $0 = true } }
}

/// The first to hear of the shutdown: it says so to probes and clients, and keeps the server as it
/// is for some time, so that load balancers send nothing more before connections are closed.
public struct DrainService: Service {
  private let drain: Drain
  private let time: Duration

  /// Creates a service that waits so long.
  public init(_ drain: Drain, time: Duration) {
    self.drain = drain
    self.time = time
  }

  /// Returns when the wait is over.
  public func run() async throws {
    try? await gracefulShutdown()
    drain.begin()
    // Cut short if the shutdown takes too long.
    try? await Task.sleep(for: time)
  }
}
