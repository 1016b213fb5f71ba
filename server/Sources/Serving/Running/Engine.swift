/// What computes outputs of images; called from one thread.
public protocol BatchRunner {
  /// Returns the named outputs of images, one after another.
  ///
  /// - Parameter sizes: of each image the place of its size in the model's.
  func run(_ images: [Float], sizes: [Int], outputs: [String]) throws -> [String: [Float]]
}

/// What one batch was, for metrics.
public struct BatchReport: Sendable {
  /// The model's name.
  public var model: String
  /// The number of images.
  public var images: Int
  /// From the first step to the last, in seconds.
  public var seconds: Double
}

/// Queues of images, one for each model, and the thread that runs them.
///
/// One thread runs all models' batches, one after another, and each run has all the processors that
/// the library was given: two runs at once would only wait for each other at their barriers. Of the
/// models whose next batch may run, the one whose first job came first is next.
public final class Engine: Sendable {
  /// A model and how it is run.
  public struct Entry: Sendable {
    /// What it is.
    public var model: ServedModel
    /// Makes what runs it; called once, on the engine's thread.
    public var makeRunner: @Sendable () throws -> any BatchRunner

    /// Creates an entry.
    public init(
      model: ServedModel, makeRunner: @escaping @Sendable () throws -> any BatchRunner
    ) {
      self.model = model
      self.makeRunner = makeRunner
    }
  }

  /// What the lock guards.
  private struct State {
    var waiting: [WaitingJobs]
    var isStopping = false
    var hasEnded = false
    /// Seconds that an image takes, of late; 0 before the first batch.
    var secondsPerImage = 0.0
    var stopped: [CheckedContinuation<Void, Never>] = []
  }

  /// The models, in the order of the command line.
  public let models: [ServedModel]
  /// When images are run together.
  public let policy: BatchPolicy
  private let monitor = Monitor()
  nonisolated(unsafe) private var state: State
  private let report: @Sendable (BatchReport) -> Void

  /// Starts the thread and makes what runs the models on it.
  ///
  /// - Parameter report: Called on the engine's thread after each batch.
  /// - Throws: what `makeRunner` throws.
  public static func start(
    _ entries: [Entry], policy: BatchPolicy, report: @escaping @Sendable (BatchReport) -> Void
  ) async throws -> Engine {
    let engine = Engine(models: entries.map(\.model), policy: policy, report: report)
    try await withCheckedThrowingContinuation {
      (started: CheckedContinuation<Void, any Error>) in
      let thread = RunningThread.start {
        let runners: [any BatchRunner]
        do {
          runners = try entries.map { try $0.makeRunner() }
        } catch {
          started.resume(throwing: error)
          return
        }
        started.resume()
        engine.run(runners)
      }
      if !thread {
        started.resume(throwing: ServeError(.failed, "the system refused to start a thread"))
      }
    }
    return engine
  }

  private init(
    models: [ServedModel], policy: BatchPolicy,
    report: @escaping @Sendable (BatchReport) -> Void
  ) {
    self.models = models
    self.policy = policy
    self.report = report
    state = State(waiting: models.map { _ in WaitingJobs(policy: policy) })
  }

  /// Runs images as soon as it is their turn.
  ///
  /// If the task is cancelled, images that do not run yet leave the queue.
  ///
  /// - Throws: `queueFull`, `stopping`; `failed` if the run fails; `CancellationError`.
  public func infer(
    _ images: PreparedImages, model: Int, outputs: Set<String>
  ) async throws -> JobResult {
    let job = Job(model: model, images: images, outputs: outputs, queued: Monotonic.now())
    try submit(job)
    return try await withTaskCancellationHandler {
      try await job.result()
    } onCancel: {
      job.close(.failure(CancellationError()))
      monitor.locked { state.waiting[model].remove(job) }
    }
  }

  /// Puts a job into its queue.
  func submit(_ job: Job) throws(ServeError) {
    try monitor.locked { () throws(ServeError) in
      try admit(job.model, images: job.images.count)
      guard state.waiting[job.model].add(job) else { return }
      monitor.signal()
    }
  }

  /// Throws what `infer` would throw now for so many images: before the body of a request is read.
  public func check(model: Int, images: Int) throws(ServeError) {
    try monitor.locked { () throws(ServeError) in try admit(model, images: images) }
  }

  private func admit(_ model: Int, images: Int) throws(ServeError) {
    guard !state.isStopping else {
      throw ServeError(.stopping, "the server is about to end", retryAfter: 1)
    }
    let waiting = state.waiting[model].images
    guard waiting + images <= policy.capacity else {
      // Of all models, since they take turns.
      let seconds = Double(state.waiting.reduce(0) { $0 + $1.images }) * state.secondsPerImage
      throw ServeError(
        .queueFull,
        "the queue of '\(models[model].name)' is full: \(waiting) of \(policy.capacity) images "
          + "wait",
        retryAfter: max(1, Int(min(seconds, 3600).rounded(.up))))
    }
  }

  /// The number of images that wait for each model.
  public var waiting: [Int] { monitor.locked { state.waiting.map(\.images) } }

  /// Refuses new images, runs those that wait, and ends the thread.
  public func stop() async {
    await withCheckedContinuation { continuation in
      let hasEnded = monitor.locked {
        state.isStopping = true
        if !state.hasEnded { state.stopped.append(continuation) }
        monitor.signal()
        return state.hasEnded
      }
      if hasEnded { continuation.resume() }
    }
  }

  // MARK: The engine's thread

  private func run(_ runners: [any BatchRunner]) {
    while let (model, parts) = next() { run(parts, of: model, by: runners[model]) }
    let waiters = monitor.locked {
      state.hasEnded = true
      return state.stopped
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits for the next batch; `nil` at the end.
  private func next() -> (model: Int, parts: [WaitingJobs.Part])? {
    monitor.locked {
      while true {
        let now = Monotonic.now()
        var soonest: UInt64?
        var chosen: (model: Int, oldest: UInt64)?
        for (model, waiting) in state.waiting.enumerated() {
          guard let oldest = waiting.oldest, let ready = waiting.ready else { continue }
          if ready > now && !state.isStopping {
            soonest = min(soonest ?? ready, ready)
          } else if oldest < chosen?.oldest ?? .max {
            chosen = (model, oldest)
          }
        }
        if let chosen { return (chosen.model, state.waiting[chosen.model].take()) }
        if state.isStopping { return nil }
        monitor.wait(until: soonest)
      }
    }
  }

  private func run(
    _ all: [WaitingJobs.Part], of model: Int, by runner: any BatchRunner
  ) {
    // Without those that nobody waits for any more.
    let parts = all.filter { !$0.job.isClosed }
    guard !parts.isEmpty else { return }
    let sizes = parts.flatMap { $0.job.images.sizes[$0.images] }
    let shapes = models[model].sizes
    let wanted = parts.reduce(into: Set<String>()) { $0.formUnion($1.job.outputs) }
    let began = Monotonic.now()
    do {
      let results = try runner.run(
        Self.batch(parts, elements: shapes.map(\.input.elements)), sizes: sizes,
        outputs: wanted.sorted())
      let ended = Monotonic.now()
      note(model, images: sizes.count, seconds: Monotonic.seconds(from: began, to: ended))
      // Of each output and size the elements of an image, and where the next image's begin.
      let elements = shapes.map { size in
        size.outputs.reduce(into: [String: Int]()) { $0[$1.name] = $1.elements }
      }
      var starts: [String: Int] = [:]
      for part in parts {
        let job = part.job
        var gathered = job.gathered ?? JobResult(outputs: [:], began: began, ended: ended)
        gathered.ended = ended
        for (name, values) in results {
          let start = starts[name, default: 0]
          let count = job.images.sizes[part.images].reduce(0) {
            $0 + (elements[$1][name] ?? 0)
          }
          starts[name] = start + count
          guard job.outputs.contains(name) else { continue }
          gathered.outputs[name, default: []] += values[start..<start + count]
        }
        job.gathered = gathered
        if part.images.upperBound == job.images.count { job.close(.success(gathered)) }
      }
    } catch {
      // The rest of a job that has failed is run for nobody, and dropped.
      for part in parts {
        part.job.close(.failure(ServeError(.failed, "the run failed: \(error)")))
        monitor.locked { state.waiting[model].remove(part.job) }
      }
    }
  }

  /// The images of a batch, one after another; `elements` are those of an image of each size.
  private static func batch(_ parts: [WaitingJobs.Part], elements: [Int]) -> [Float] {
    func count(_ sizes: ArraySlice<Int>) -> Int { sizes.reduce(0) { $0 + elements[$1] } }
    if parts.count == 1, parts[0].images.count == parts[0].job.images.count {
      return parts[0].job.images.values
    }
    let all = parts.reduce(0) { $0 + count($1.job.images.sizes[$1.images]) }
    return [Float](unsafeUninitializedCapacity: all) { batch, done in
      for part in parts {
        let sizes = part.job.images.sizes
        let start = count(sizes[..<part.images.lowerBound])
        part.job.images.values.withUnsafeBufferPointer { values in
          let source = values[start..<start + count(sizes[part.images])]
          let place = UnsafeMutableBufferPointer(rebasing: batch[done...])
          done += place.initialize(fromContentsOf: source)
        }
      }
    }
  }

  private func note(_ model: Int, images: Int, seconds: Double) {
    monitor.locked {
      let latest = seconds / Double(images)
      // A mean that forgets: the last ten batches or so.
      state.secondsPerImage =
        state.secondsPerImage == 0 ? latest : 0.9 * state.secondsPerImage + 0.1 * latest
    }
    report(BatchReport(model: models[model].name, images: images, seconds: seconds))
  }
}
