import Parallel
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What it costs that all threads wait for each other between two steps.
struct BarrierCost: Hashable {
  /// Seconds for two threads.
  let ofTwo: Double

  /// Seconds for each thread beyond two: one more that adds to the counter and polls its line.
  ///
  /// An assumption: the machine that measures may have two processors only.
  static let perThread = 0.05e-6
  /// Seconds for two threads where there is one processor to measure with: those of a Zen 4.
  static let usual = 0.23e-6

  /// Seconds for a number of threads; one waits for nobody.
  func seconds(threads: Int) -> Double {
    threads < 2 ? 0 : ofTwo + Double(threads - 2) * Self.perThread
  }

  /// Meetings in one burst, short enough that both threads keep their processors all the time.
  private static let rounds = 200
  /// Bursts of a measurement; the fastest counts.
  private static let bursts = 500

  /// Measures two threads that meet as the runtime's do: a counter, and a line that is polled.
  static func measure() -> BarrierCost {
    guard Parallel.processors > 1 else { return BarrierCost(ofTwo: usual) }
    let arrived = Atomic<UInt32>(0)
    let turn = Atomic<UInt32>(0)
    /// Meets the other thread once for each round from `first` on.
    let meet: @Sendable (_ first: UInt32) -> Void = { first in
      for round in first..<first + UInt32(rounds) {
        if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue == 1 {
          arrived.store(0, ordering: .relaxed)
          turn.store(round + 1, ordering: .releasing)
        } else {
          var polls = 0
          while turn.load(ordering: .acquiring) == round {
            polls += 1
            // Somebody else has the other's processor.
            if polls > 10_000 { sched_yield() }
          }
        }
      }
    }
    let other = StartedThread {
      for burst in 0..<bursts { meet(UInt32(burst * rounds)) }
    }
    guard let other else { return BarrierCost(ofTwo: usual) }
    var fastest = Double.infinity
    for burst in 0..<bursts {
      let start = ContinuousClock.now
      meet(UInt32(burst * rounds))
      fastest = min(fastest, (ContinuousClock.now - start).seconds / Double(rounds))
    }
    other.join()
    return BarrierCost(ofTwo: fastest)
  }
}
