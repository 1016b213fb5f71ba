import Diagnostics
import Models
import Synchronization
import VitRuntime

/// Measures every task of every step of a compiled model by itself.
///
/// A run with the caller's own parallel-for makes one call for each step, in order; here the tasks
/// of a call run one after the other on the calling thread. The shortest time of all runs counts,
/// by the thread's processor time, so that other programs do little harm.
final class TaskTimes: Sendable {
  /// The calls of the run in work, and the shortest time of each task of each step so far.
  private struct State {
    var step = 0
    var shortest: [[Double]] = []
  }

  private let state = Mutex(State())

  /// Runs a model `runs` times with one image, split into `tasks` tasks.
  ///
  /// - Returns: For each step, in order, the seconds of its tasks.
  static func measure(
    library: String, tasks: Int, runs: Int
  ) throws(Diagnostic) -> [[Double]] {
    let times = TaskTimes()
    return try CompiledModel.telling(library) {
      let model = try VitModel(
        path: library,
        options: VitOptions(
          threads: tasks,
          parallelFor: { count, task in times.parallelFor(count, task) }))
      let context = try model.makeContext()
      let image = SeededCheckpoint.tensor(
        name: "input", shape: [1] + model.description.input.shape, seed: 0)
      // One more, which warms up.
      for _ in 0...runs {
        times.state.withLock { $0.step = 0 }
        _ = try context.run(images: image.values)
      }
      return times.state.withLock { $0.shortest }
    }
  }

  /// One step: its tasks in order.
  private func parallelFor(_ count: Int, _ task: @Sendable (Int) -> Void) {
    let times = (0..<count).map { index in
      let start = Peak.processorTime
      task(index)
      return Peak.processorTime - start
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
}
