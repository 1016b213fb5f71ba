import Diagnostics
import Dispatch
import Files
import JSON
import Synchronization
import VitRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The tasks of each step of a few runs, by the thread that did them: a file in the format of
/// Chrome's traces, which Perfetto shows
/// (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
///
/// As `TaskTimes` does, it runs the model through a parallel-for of its own, which is called once
/// for each step.
struct StepTrace {
  /// One task of one step.
  struct Event {
    let run: Int
    let step: Int
    let task: Int
    /// Threads are counted from 0 in the order in which they came up.
    let thread: Int
    /// Seconds since the start of the first run.
    let start: Double
    let end: Double
  }

  /// The variant, and what was compiled.
  let model: String
  let isa: String
  /// The member `steps` of the library's description.
  let steps: [JSONValue]
  /// The tasks.
  let events: [Event]
  /// The runs: start and end.
  let runs: [(start: Double, end: Double)]

  /// Runs a model with one image, after a run that warms up.
  static func measure(
    library: String, threads: Int, runs: Int, size name: String?
  ) throws(Diagnostic) -> StepTrace {
    let recorder = Recorder()
    let compiled = try CompiledModel(library)
    let size = try compiled.size(name)
    return try CompiledModel.telling(library) {
      let model = try VitModel(
        path: library,
        options: VitOptions(
          threads: threads, parallelFor: { count, task in recorder.run(count, task) }))
      let context = try model.makeContext()
      let input = CompiledModel.sample(model.sizes[size], count: 1)
      _ = try context.run(images: input, size: size)
      recorder.begin()
      var times: [(start: Double, end: Double)] = []
      for run in 0..<runs {
        let start = recorder.next(run)
        _ = try context.run(images: input, size: size)
        times.append((start, recorder.now))
      }
      return StepTrace(
        model: model.description.model, isa: model.isa,
        steps: compiled.steps(size), events: recorder.events, runs: times)
    }
  }

  /// The document: names of process and threads, a complete event (`ph` X) for each run and each
  /// task, in microseconds.
  var json: JSONValue {
    var events: [JSONValue] = [named("process_name", "\(model), \(isa)", thread: nil)]
    events.append(named("thread_name", "runs", thread: 0))
    for thread in Set(self.events.map(\.thread)).sorted() {
      events.append(named("thread_name", "thread \(thread)", thread: thread + 1))
    }
    for (index, run) in runs.enumerated() {
      events.append(
        complete("run \(index)", "run", thread: 0, run.start, run.end, ["run": .integer(index)]))
    }
    for event in self.events {
      let step = event.step < steps.count ? steps[event.step] : .null
      var arguments: [String: JSONValue] = [
        "run": .integer(event.run), "step": .integer(event.step), "task": .integer(event.task),
      ]
      arguments["precision"] = step["precision"]
      events.append(
        complete(
          step["name"]?.string ?? "step \(event.step)", step["op"]?.string ?? "step",
          thread: event.thread + 1, event.start, event.end, arguments))
    }
    return .object(["traceEvents": .array(events), "displayTimeUnit": .string("ms")])
  }

  private func named(_ kind: String, _ name: String, thread: Int?) -> JSONValue {
    .object([
      "name": .string(kind), "ph": .string("M"), "pid": .integer(1),
      "tid": .integer(thread ?? 0), "args": .object(["name": .string(name)]),
    ])
  }

  private func complete(
    _ name: String, _ category: String, thread: Int, _ start: Double, _ end: Double,
    _ arguments: [String: JSONValue]
  ) -> JSONValue {
    .object([
      "name": .string(name), "cat": .string(category), "ph": .string("X"), "pid": .integer(1),
      "tid": .integer(thread), "ts": .number(start * 1e6), "dur": .number((end - start) * 1e6),
      "args": .object(arguments),
    ])
  }

  /// Writes the document.
  func write(to path: String) throws(Diagnostic) {
    try AtomicFile.write(path: path, contents: Array((json.text(.compact) + "\n").utf8))
  }

  /// Takes down what the parallel-for does.
  private final class Recorder: Sendable {
    private struct State {
      var run = 0
      var step = 0
      var threads: [UInt: Int] = [:]
      var events: [Event] = []
      var start = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// Forgets everything, and starts the clock.
    func begin() { state.withLock { $0 = State() } }

    /// Seconds since then.
    var now: Double { (ContinuousClock.now - state.withLock { $0.start }).seconds }

    var events: [Event] { state.withLock { $0.events } }

    /// Begins a run; returns the time.
    func next(_ run: Int) -> Double {
      state.withLock {
        $0.run = run
        $0.step = 0
      }
      return now
    }

    func run(_ count: Int, _ task: @Sendable (Int) -> Void) {
      DispatchQueue.concurrentPerform(iterations: count) { index in
        let start = now
        task(index)
        let end = now
        let thread = currentThread()
        state.withLock { state in
          let number = state.threads[thread] ?? state.threads.count
          state.threads[thread] = number
          state.events.append(
            Event(
              run: state.run, step: state.step, task: index, thread: number, start: start, end: end)
          )
        }
      }
      state.withLock { $0.step += 1 }
    }
  }
}

/// What tells the calling thread from others.
private func currentThread() -> UInt {
  #if canImport(Musl)
    UInt(bitPattern: pthread_self())
  #else
    UInt(pthread_self())
  #endif
}
