import Codegen
import Foundation
import IR
import Synchronization

/// How many multiply-adds this machine can do: what a perfect kernel would reach.
///
/// The kernel is generated for the host's richest target: independent fused multiply-adds in
/// registers, nothing else (``PeakKernel``).
struct Peak {
  private let kernel: PeakKernel

  /// Rounds of the kernel's loop in one measurement: about 10 ms on a CPU of 3 GHz, which is longer
  /// than threads take to start and shorter than a scheduler's slice of an otherwise idle machine.
  private static let rounds = 500_000

  /// Generates the kernel.
  init() throws(Diagnostic) { kernel = try PeakKernel(target: .host()) }

  /// Returns the FLOP/s of `threads` threads at once, 2 for each multiply-add.
  func measure(threads: Int) -> Double {
    // Threads of their own, not a queue's: as many as the model's pool has.
    let ready = Mutex(0)
    let spans = Mutex<[(start: ContinuousClock.Instant, end: ContinuousClock.Instant)]>([])
    let group = DispatchGroup()
    let work: @Sendable () -> Void = {
      ready.withLock { $0 += 1 }
      while ready.withLock({ $0 }) < threads { sched_yield() }
      let start = ContinuousClock.now
      kernel.run(rounds: Self.rounds)
      let end = ContinuousClock.now
      spans.withLock { $0.append((start, end)) }
    }
    for _ in 1..<max(1, threads) {
      group.enter()
      Thread.detachNewThread {
        work()
        group.leave()
      }
    }
    work()
    group.wait()
    let (first, last) = spans.withLock { spans in
      (spans.map(\.start).min(), spans.map(\.end).max())
    }
    guard let first, let last, last > first else { return 0 }
    return Double(threads * Self.rounds * kernel.flopsPerRound) / (last - first).seconds
  }
}

extension Duration {
  /// As a number of seconds.
  var seconds: Double { self / .seconds(1) }
}
