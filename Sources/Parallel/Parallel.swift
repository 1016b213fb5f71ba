// Not all of Foundation, which brings tables of all languages along.
import FoundationEssentials
import Synchronization

/// Loops on several threads.
///
/// Not a queue's threads (Dispatch): where the system refuses one, that tries again for ever. These
/// are as many as there are processors and as the system gives; the calling thread alone is enough.
public enum Parallel {
  /// Threads besides the callers' that run now, in all loops together: a loop inside a loop finds
  /// none to spare and runs on its own thread.
  private static let running = Atomic(0)

  /// How many processors this process may run on.
  public static let processors = max(1, ProcessInfo.processInfo.activeProcessorCount)

  /// Calls `body` for every number below `count`, each once, the small ones first, and returns when
  /// all calls have returned.
  public static func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      let loop = Loop(count, body)
      var threads: [StartedThread] = []
      while threads.count < count - 1, let thread = start(loop) { threads.append(thread) }
      loop.run()
      for thread in threads {
        thread.join()
        running.subtract(1, ordering: .relaxed)
      }
    }
  }

  /// Starts a thread; `nil` if there are enough, or the system has none.
  private static func start(_ loop: Loop) -> StartedThread? {
    if running.add(1, ordering: .relaxed).newValue < processors,
      let thread = StartedThread({ loop.run() })
    {
      return thread
    }
    running.subtract(1, ordering: .relaxed)
    return nil
  }
}

/// The numbers that are left of a loop.
private final class Loop: Sendable {
  private let count: Int
  private let body: @Sendable (Int) -> Void
  private let next = Atomic(0)

  init(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    self.count = count
    self.body = body
  }

  /// Takes numbers until none is left.
  func run() {
    while case let index = next.add(1, ordering: .relaxed).oldValue, index < count { body(index) }
  }
}
