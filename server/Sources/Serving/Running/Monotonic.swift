#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A clock that is never set back.
public enum Monotonic {
  /// Nanoseconds since some moment.
  public static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// Seconds from one moment to another.
  public static func seconds(from start: UInt64, to end: UInt64) -> Double {
    end > start ? Double(end - start) / 1e9 : 0
  }
}

/// A lock and a condition that waits by the monotonic clock: with `Date`s, a clock that is set back
/// would make a batch wait for as long.
final class Monitor: @unchecked Sendable {
  // Pointers: the system's locks must not move.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Calls `body` with the lock held.
  func locked<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  /// Waits for `signal()`, or for a moment; may also return for no reason.
  ///
  /// The lock must be held; it is free meanwhile.
  func wait(until moment: UInt64? = nil) {
    guard let moment else {
      pthread_cond_wait(condition, mutex)
      return
    }
    var time = timespec()
    time.tv_sec = Int(moment / 1_000_000_000)
    time.tv_nsec = Int(moment % 1_000_000_000)
    pthread_cond_timedwait(condition, mutex, &time)
  }

  /// Wakes the thread that waits.
  func signal() { pthread_cond_signal(condition) }
}
