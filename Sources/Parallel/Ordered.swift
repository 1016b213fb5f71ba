#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension Parallel {
  /// Makes a value for every number below `count` on several threads, and hands the values to the
  /// calling thread in order.
  ///
  /// As ``inOrder(of:atMost:workers:window:produce:consume:)`` of these numbers.
  public static func inOrder<Value: Sendable, Failure: Error>(
    _ count: Int, workers: Int, window: Int, produce: @Sendable (Int) -> Value,
    consume: (Int, Value) throws(Failure) -> Void
  ) throws(Failure) {
    var numbers = (0..<count).makeIterator()
    try inOrder(
      of: { numbers.next() }, atMost: count, workers: workers, window: window, produce: produce,
      consume: consume)
  }

  /// Makes a value of each of a number of items on several threads, and hands the values to the
  /// calling thread in order.
  ///
  /// At most `window` values are in the making or wait at any time, so memory does not depend on
  /// the number of items, nor on how unequal the work is. Where the system gives no thread, the
  /// calling one does everything.
  ///
  /// - Parameters:
  ///   - next: Gives the next item, `nil` after the last; called by one thread at a time, any of
  ///     them, also while `consume` runs.
  ///   - most: There are not more items than this.
  ///   - workers: How many threads make values, besides the calling one; at least 1.
  ///   - window: How many values may be ahead of the one that is due; at least `workers` keeps all
  ///     of them busy.
  ///   - produce: Makes a value, on any thread.
  ///   - consume: Gets the items and their values in order, on the calling thread.
  /// - Throws: What `consume` throws; no value is made after that.
  public static func inOrder<Item: Sendable, Value: Sendable, Failure: Error>(
    of next: () -> Item?, atMost most: Int, workers: Int, window: Int,
    produce: @Sendable (Item) -> Value, consume: (Item, Value) throws(Failure) -> Void
  ) throws(Failure) {
    let result = withoutActuallyEscaping(next) { next in
      withoutActuallyEscaping(produce) { produce -> Result<Void, Failure> in
        let line = WaitingLine<Item, Value>(of: next, window: max(1, window))
        var threads: [StartedThread] = []
        while threads.count < min(workers, most),
          let thread = StartedThread({ line.fill(produce) })
        {
          threads.append(thread)
        }
        defer { for thread in threads { thread.join() } }
        while let (item, value) = threads.isEmpty
          ? next().map({ ($0, produce($0)) }) : line.take()
        {
          do throws(Failure) {
            try consume(item, value)
          } catch {
            line.stop()
            return .failure(error)
          }
        }
        return .success(())
      }
    }
    try result.get()
  }
}

/// Values that wait for their turn.
private final class WaitingLine<Item: Sendable, Value: Sendable>: Sendable {
  private let window: Int
  // All below is used under the lock only.
  private nonisolated(unsafe) let source: () -> Item?
  private nonisolated(unsafe) let lock: UnsafeMutablePointer<pthread_mutex_t>
  private nonisolated(unsafe) let change: UnsafeMutablePointer<pthread_cond_t>
  /// How many items were taken, and whether there are no more.
  private nonisolated(unsafe) var begun = 0
  private nonisolated(unsafe) var isAtEnd = false
  private nonisolated(unsafe) var due = 0
  private nonisolated(unsafe) var ready: [Int: (Item, Value)] = [:]

  init(of source: @escaping () -> Item?, window: Int) {
    self.source = source
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

  /// Makes values until there are no more items.
  func fill(_ produce: (Item) -> Value) {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      while !isAtEnd, begun >= due + window { pthread_cond_wait(change, lock) }
      guard !isAtEnd, let item = source() else {
        isAtEnd = true
        pthread_cond_broadcast(change)
        return
      }
      let index = begun
      begun += 1
      pthread_mutex_unlock(lock)
      let value = produce(item)
      pthread_mutex_lock(lock)
      ready[index] = (item, value)
      pthread_cond_broadcast(change)
    }
  }

  /// Waits for the value that is due, and makes room for another; `nil` after the last.
  func take() -> (Item, Value)? {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      if let value = ready.removeValue(forKey: due) {
        due += 1
        pthread_cond_broadcast(change)
        return value
      }
      if isAtEnd, due == begun { return nil }
      pthread_cond_wait(change, lock)
    }
  }

  /// Lets threads end as soon as they have made what they are at.
  func stop() {
    pthread_mutex_lock(lock)
    isAtEnd = true
    pthread_cond_broadcast(change)
    pthread_mutex_unlock(lock)
  }
}
