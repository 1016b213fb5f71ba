import CVitSystem
import Synchronization

/// Where the tasks of a run meet between two steps: the last to arrive opens the turnstile.
struct Barrier: ~Copyable {
  let arrived = Atomic<UInt32>(0)
}

/// The words of one pool that several threads write, each on its own pair of cache lines.
struct Meeting {
  let turnstile: UnsafeMutablePointer<Turnstile>
  let barrier: UnsafeMutablePointer<Barrier>

  /// Bytes that `init(at:)` takes.
  static var bytes: Int { 2 * cacheLineBytes }

  /// Lays the words into zeroed memory.
  init(at memory: UnsafeMutableRawPointer) {
    turnstile = memory.bindMemory(to: Turnstile.self, capacity: 1)
    turnstile.initialize(to: Turnstile())
    barrier = (memory + cacheLineBytes).bindMemory(to: Barrier.self, capacity: 1)
    barrier.initialize(to: Barrier())
  }

  /// The words that `init(at:)` laid into memory.
  init(in memory: UnsafeMutableRawPointer) {
    turnstile = memory.assumingMemoryBound(to: Turnstile.self)
    barrier = (memory + cacheLineBytes).assumingMemoryBound(to: Barrier.self)
  }

  /// `true` iff all other tasks of `count` wait for the one that asks.
  func isAwaited(by count: Int32) -> Bool {
    barrier.pointee.arrived.load(ordering: .relaxed) &+ 1 == UInt32(truncatingIfNeeded: count)
  }

  /// Returns when all `count` tasks have called it; what each wrote before is visible to all after.
  func pass(count: Int32, polls: Int32) {
    let turn = turnstile.turn
    // Acquiring and releasing: the last to arrive gathers everybody's writes, and `open` publishes
    // them.
    let others = barrier.pointee.arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue
    if others &+ 1 == UInt32(truncatingIfNeeded: count) {
      barrier.pointee.arrived.store(0, ordering: .relaxed)
      turnstile.open()
    } else {
      turnstile.wait(past: turn, polls: polls)
    }
  }
}
