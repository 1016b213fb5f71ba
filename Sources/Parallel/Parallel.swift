import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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
      var threads: [pthread_t] = []
      while threads.count < count - 1, let thread = start(loop) { threads.append(thread) }
      loop.run()
      for thread in threads {
        pthread_join(thread, nil)
        running.subtract(1, ordering: .relaxed)
      }
    }
  }

  /// Starts a thread; `nil` if there are enough, or the system has none.
  private static func start(_ loop: Loop) -> pthread_t? {
    guard running.add(1, ordering: .relaxed).newValue < processors else {
      running.subtract(1, ordering: .relaxed)
      return nil
    }
    let argument = Unmanaged.passRetained(loop)
    #if canImport(Musl)
      var made: pthread_t?
    #else
      var made = pthread_t()
    #endif
    let failure = pthread_create(
      &made, nil,
      { argument in
        // Glibc and Musl differ in whether the argument may be null.
        let argument: UnsafeMutableRawPointer? = argument
        if let argument { Unmanaged<Loop>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, argument.toOpaque())
    guard failure == 0 else {
      argument.release()
      running.subtract(1, ordering: .relaxed)
      return nil
    }
    return made
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
