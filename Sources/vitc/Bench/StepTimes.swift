import Diagnostics
import Dispatch
import Foundation
import Models
import Synchronization
import VitRuntime

/// Measures each step of a compiled model.
///
/// Nothing in the model helps with it: a run with the caller's own parallel-for makes one call for
/// each step, in order. A step takes as long as the longest of its tasks, by the processor time
/// of the task's thread; the shortest of all runs counts. What lies between two steps (waiting for
/// each other) is not in it.
final class StepTimes: Sendable {
  /// The calls of the run in work, and the shortest time of each step so far.
  private struct State {
    var step = 0
    var shortest: [Double] = []
  }

  private let state = Mutex(State())

  /// Runs a model `runs` times with one image and returns the seconds of its steps, in order.
  static func measure(
    library: String, threads: Int, runs: Int
  ) throws(Diagnostic) -> [Double] {
    let times = StepTimes()
    return try CompiledModel.telling(library) {
      let model = try VitModel(
        path: library,
        options: VitOptions(
          threads: threads,
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

  /// One step: its tasks, at the same time where there are processors.
  private func parallelFor(_ count: Int, _ task: @Sendable (Int) -> Void) {
    let longest = Mutex(0.0)
    DispatchQueue.concurrentPerform(iterations: count) { index in
      let start = Peak.processorTime
      task(index)
      let time = Peak.processorTime - start
      longest.withLock { $0 = max($0, time) }
    }
    let time = longest.withLock { $0 }
    state.withLock { state in
      if state.step < state.shortest.count {
        state.shortest[state.step] = min(state.shortest[state.step], time)
      } else {
        state.shortest.append(time)
      }
      state.step += 1
    }
  }
}
