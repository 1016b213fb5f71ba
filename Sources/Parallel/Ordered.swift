#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Parallel {
  /// Makes a value for every number below `count` on several threads, and hands the values to the
  /// calling thread in order.
  ///
  /// At most `window` values are in the making or wait at any time, so memory does not depend on
  /// `count`, nor on how unequal the work is. Where the system gives no thread, the calling one
  /// does everything.
  ///
  /// - Parameters:
  ///   - count: How many values.
  ///   - workers: How many threads make values, besides the calling one; at least 1.
  ///   - window: How many values may be ahead of the one that is due; at least `workers` keeps all
  ///     of them busy.
  ///   - produce: Makes a value, on any thread.
  ///   - consume: Gets the values in order, on the calling thread.
  /// - Throws: What `consume` throws; no value is made after that.
  public static func inOrder<Value: Sendable, Failure: Error>(
    _ count: Int, workers: Int, window: Int, produce: @Sendable (Int) -> Value,
    consume: (Int, Value) throws(Failure) -> Void
  ) throws(Failure) {
    let line = WaitingLine<Value>(count: count, window: max(1, window))
    let result = withoutActuallyEscaping(produce) { produce -> Result<Void, Failure> in
      var threads: [StartedThread] = []
      while threads.count < min(workers, count),
        let thread = StartedThread({ line.fill(produce) })
      {
        threads.append(thread)
      }
      defer { for thread in threads { thread.join() } }
      for index in 0..<count {
        let value = threads.isEmpty ? produce(index) : line.take(index)
        do throws(Failure) {
          try consume(index, value)
        } catch {
          line.stop()
          return .failure(error)
        }
      }
      return .success(())
    }
    try result.get()
  }
}

/// Values that wait for their turn.
private final class WaitingLine<Value: Sendable>: Sendable {
  private let count: Int
  private let window: Int
  // All below is used under the lock only.
  private nonisolated(unsafe) let lock: UnsafeMutablePointer<pthread_mutex_t>
  private nonisolated(unsafe) let change: UnsafeMutablePointer<pthread_cond_t>
  private nonisolated(unsafe) var next = 0
  private nonisolated(unsafe) var due = 0
  private nonisolated(unsafe) var isStopped = false
  private nonisolated(unsafe) var ready: [Int: Value] = [:]

  init(count: Int, window: Int) {
    self.count = count
    self.window = window
    lock = .allocate(capacity: 1)
    change = .allocate(capacity: 1)
    lock.initialize(to: pthread_mutex_t())
    change.initialize(to: pthread_cond_t())
    pthread_mutex_init(lock, nil)
    pthread_cond_init(change, nil)
  }

  deinit {
    pthread_cond_destroy(change)
    pthread_mutex_destroy(lock)
    lock.deallocate()
    change.deallocate()
  }

  /// Makes values until there are no more.
  func fill(_ produce: (Int) -> Value) {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      while !isStopped, next < count, next >= due + window { pthread_cond_wait(change, lock) }
      guard !isStopped, next < count else { return }
      let index = next
      next += 1
      pthread_mutex_unlock(lock)
      let value = produce(index)
      pthread_mutex_lock(lock)
      ready[index] = value
      pthread_cond_broadcast(change)
    }
  }

  /// Waits for the value that is due, and makes room for another.
  func take(_ index: Int) -> Value {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      if let value = ready.removeValue(forKey: index) {
        due = index + 1
        pthread_cond_broadcast(change)
        return value
      }
      pthread_cond_wait(change, lock)
    }
  }

  /// Lets threads end as soon as they have made what they are at.
  func stop() {
    pthread_mutex_lock(lock)
    isStopped = true
    pthread_cond_broadcast(change)
    pthread_mutex_unlock(lock)
  }
}
