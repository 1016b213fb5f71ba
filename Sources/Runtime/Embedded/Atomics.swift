import CVitSystem
import Synchronization

/// Bytes between two words that different cores write often: two lines of 64 bytes, since
/// prefetchers fetch lines in pairs.
let cacheLineBytes = 128

/// How long a waiter polls before it sleeps in the kernel.
///
/// A sleep and a wake-up cost 5 to 50
/// microseconds, the steps of a model last tens to thousands; so polling about as long as a sleep
/// costs is never worse than twice the best choice.
struct Patience {
  /// Polls between two steps: 20 to 100 microseconds, as one `pause` takes 40 to 140 cycles.
  var step: Int32
  /// Polls between two runs: a few microseconds, for calls in a tight loop.
  var run: Int32

  /// For tasks that each have a processor, and for those that do not: with more tasks than
  /// processors, polling takes the processor from the task that is waited for.
  init(tasks: Int32, processors: Int32) {
    step = tasks <= processors ? 2000 : 0
    run = tasks <= processors ? 200 : 0
  }
}

/// A counter that threads wait on: poll, then sleep in the kernel.
///
/// The embedded runtime's only means of synchronization. It lives in memory that the context owns,
/// never moves, and is used through a pointer; its first
/// field is the kernel's futex word.
struct Turnstile: ~Copyable {
  let turn = Atomic<UInt32>(0)
  let sleepers = Atomic<UInt32>(0)
}

extension UnsafeMutablePointer where Pointee == Turnstile {
  /// The number of times the turnstile has opened, modulo 2^32.
  var turn: UInt32 { pointee.turn.load(ordering: .acquiring) }

  /// Returns when the turn is no longer `old`; what was written before `open()` is then visible.
  func wait(past old: UInt32, polls: Int32) {
    var left = polls
    while left > 0 {
      if turn != old { return }
      vit_relax()
      left &-= 1
    }
    if turn != old { return }
    // Announce, look again, sleep; `open` turns, then looks for sleepers. Both in sequentially
    // consistent order, so that one of the two sees the other; and the kernel compares the word
    // once more before it sleeps.
    pointee.sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while pointee.turn.load(ordering: .sequentiallyConsistent) == old {
      vit_futex_wait(self, old)
    }
    pointee.sleepers.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Lets all through that wait for the next turn.
  func open() {
    pointee.turn.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if pointee.sleepers.load(ordering: .sequentiallyConsistent) != 0 { vit_futex_wake_all(self) }
  }
}
