import Foundation
import Synchronization

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

  private static let rounds = 20_000
  private static let bursts = 20

  /// Measures two threads that meet as the runtime's do: a counter, and a line that is polled.
  static func measure() -> BarrierCost {
    guard ProcessInfo.processInfo.activeProcessorCount > 1 else { return BarrierCost(ofTwo: usual) }
    var fastest = Double.infinity
    for _ in 0..<bursts { fastest = min(fastest, burst() / Double(rounds)) }
    return BarrierCost(ofTwo: fastest)
  }

  /// The seconds of all rounds once.
  private static func burst() -> Double {
    let arrived = Atomic<UInt32>(0)
    let turn = Atomic<UInt32>(0)
    let meet: @Sendable () -> Void = {
      for round in 0..<UInt32(rounds) {
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
    let group = DispatchGroup()
    group.enter()
    Thread.detachNewThread {
      meet()
      group.leave()
    }
    let start = ContinuousClock.now
    meet()
    group.wait()
    return (ContinuousClock.now - start).seconds
  }
}
