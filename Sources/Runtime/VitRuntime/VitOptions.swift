import CVitABI

/// How a model runs.
public struct VitOptions: Sendable {
  /// Calls its second argument for every index below the first, in any order, on any threads, and
  /// returns when all calls have returned.
  public typealias ParallelFor =
    @Sendable (_ count: Int, _ task: @Sendable (_ index: Int) -> Void) -> Void

  /// The number of tasks that a run is split into; 0 for one on each processor that the process may
  /// use, by its affinity and the quotas of its control groups, but no more for one image than the
  /// library says pay (`profitableThreads` in its JSON).
  public var threads: Int
  /// The weights file; `nil` for the embedded weights, or for the file beside the library.
  public var weightsPath: String?
  /// The instruction set to run, such as `x86-64-v3` or `v3`; `nil` for the one that the
  /// environment
  /// variable `VITC_ISA` names, else the best that this processor runs.
  public var isa: String?
  /// The app's own means of parallel work; `nil` for a pool of threads in each context.
  public var parallelFor: ParallelFor?

  /// `true` iff contexts measure the time of each step, see ``VitContext/stats()``.
  public var measuresSteps: Bool

  /// Creates options.
  public init(
    threads: Int = 0, weightsPath: String? = nil, isa: String? = nil,
    measuresSteps: Bool = false, parallelFor: ParallelFor? = nil
  ) {
    self.measuresSteps = measuresSteps
    self.threads = threads
    self.weightsPath = weightsPath
    self.isa = isa
    self.parallelFor = parallelFor
  }
}

/// A parallel-for as an object, which C hands through as a pointer.
final class ParallelForBox: Sendable {
  let parallelFor: VitOptions.ParallelFor

  init(_ parallelFor: @escaping VitOptions.ParallelFor) { self.parallelFor = parallelFor }

  /// The C function, which finds the object behind `context`.
  static let callback: vit_parallel_for = { context, count, task, argument in
    guard let context, let task else { return }
    let box = Unmanaged<ParallelForBox>.fromOpaque(context).takeUnretainedValue()
    // The runtime's tasks may run on any thread; it waits for them, so the pointer stays valid.
    nonisolated(unsafe) let argument = argument
    box.parallelFor(Int(count)) { index in task(argument, Int32(truncatingIfNeeded: index)) }
  }
}
