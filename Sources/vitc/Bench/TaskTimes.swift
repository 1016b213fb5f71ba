import Diagnostics
import Dispatch
import Models
import Synchronization
import VitRuntime

/// Measures the tasks of every step of a compiled model.
///
/// Nothing in the model helps with it: a run with the caller's own parallel-for makes one call for
/// each step, in order. Times are of the processor that a task's thread used, so that other
/// programs do little harm; the shortest of all runs counts. What lies between two steps (waiting
/// for each other) is not in them.
final class TaskTimes: Sendable {
  /// How the tasks of a step run.
  enum Schedule {
    /// One after the other on the calling thread: a time for each.
    case alone
    /// At the same time where there are processors: one time, that of the longest.
    case together
  }

  /// The calls of the run in work, and the shortest times of each step so far.
  private struct State {
    var step = 0
    var shortest: [[Double]] = []
  }

  private let schedule: Schedule
  private let state = Mutex(State())

  private init(_ schedule: Schedule) { self.schedule = schedule }

  /// Runs a model `runs` times with one image of a size, split into `tasks` tasks.
  ///
  /// - Returns: For each step, in order, the seconds that the schedule measures.
  static func measure(
    library: String, tasks: Int, runs: Int, _ schedule: Schedule, size: Int = 0
  ) throws(Diagnostic) -> [[Double]] {
    let times = TaskTimes(schedule)
    return try CompiledModel.telling(library) {
      let model = try VitModel(
        path: library,
        options: VitOptions(
          threads: tasks,
          parallelFor: { count, task in times.parallelFor(count, task) }))
      let context = try model.makeContext()
      let input = CompiledModel.sample(try model.sized(size), count: 1)
      // One more, which warms up.
      for _ in 0...runs {
        times.state.withLock { $0.step = 0 }
        _ = try context.run(images: input, size: size)
      }
      return times.state.withLock { $0.shortest }
    }
  }

  /// One step: its tasks.
  private func parallelFor(_ count: Int, _ task: @Sendable (Int) -> Void) {
    let times: [Double]
    switch schedule {
    case .alone:
      times = (0..<count).map { Self.seconds(of: $0, task) }
    case .together:
      let longest = Mutex(0.0)
      DispatchQueue.concurrentPerform(iterations: count) { index in
        let time = Self.seconds(of: index, task)
        longest.withLock { $0 = max($0, time) }
      }
      times = [longest.withLock { $0 }]
    }
    state.withLock { state in
      if state.step < state.shortest.count {
        let known = state.shortest[state.step]
        state.shortest[state.step] = zip(known, times).map(min)
      } else {
        state.shortest.append(times)
      }
      state.step += 1
    }
  }

  /// How long a task takes.
  private static func seconds(of index: Int, _ task: @Sendable (Int) -> Void) -> Double {
    let start = Peak.processorTime
    task(index)
    return Peak.processorTime - start
  }
}
