import Codegen
import Diagnostics
import Parallel
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How many floating-point operations a second this machine can do: what a perfect kernel would
/// reach.
///
/// The kernel is generated for the host's best target: independent fused multiply-adds in
/// registers, nothing else (``PeakKernel``). Each thread counts its own processor time, so that
/// other programs that share the machine do not lower the peak.
struct Peak {
  private let kernel: PeakKernel

  /// Rounds of the kernel's loop in one burst: about half a millisecond on a CPU of 3 GHz, far more
  /// than a clock's resolution.
  private static let rounds = 100_000
  /// Bursts of a measurement; the fastest counts, since a core may be clocked low at first.
  private static let bursts = 10

  /// Generates the kernel.
  init() throws(Diagnostic) { kernel = try PeakKernel(target: .host()) }

  /// Returns the FLOP/s of `threads` threads at once, 2 for each multiply-add; threads beyond the
  /// number of processors add nothing.
  func measure(threads: Int) -> Double {
    let count = max(1, min(threads, Parallel.processors))
    let arrived = Atomic(0)
    let expected = Atomic(count)
    let rates = Mutex<[Double]>([])
    let work: @Sendable () -> Void = {
      arrived.add(1, ordering: .acquiringAndReleasing)
      while arrived.load(ordering: .acquiring) < expected.load(ordering: .acquiring) {
        sched_yield()
      }
      let rate = fastestBurst()
      rates.withLock { $0.append(rate) }
    }
    // Threads of their own, not a queue's, which starts as many as it sees fit.
    let others = (1..<count).compactMap { _ in StartedThread(work) }
    expected.store(others.count + 1, ordering: .releasing)
    work()
    for thread in others { thread.join() }
    return rates.withLock { $0.reduce(0, +) }
  }

  /// The FLOP/s of the calling thread's fastest burst.
  private func fastestBurst() -> Double {
    let flops = Double(Self.rounds * kernel.flopsPerRound)
    return (0..<Self.bursts).reduce(0) { fastest, _ in
      let start = Self.processorTime
      kernel.run(rounds: Self.rounds)
      let time = Self.processorTime - start
      return time > 0 ? max(fastest, flops / time) : fastest
    }
  }

  /// The seconds that the calling thread has spent on a processor.
  static var processorTime: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
}

extension Duration {
  /// As a number of seconds.
  var seconds: Double { self / .seconds(1) }
}
