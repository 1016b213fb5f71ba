/// What the server measures of itself.
public struct ServerMetrics: Sendable {
  private let registry = Registry()
  private let requests: Registry.Metric
  private let failures: Registry.Metric
  private let durations: Registry.Metric
  private let inFlight: Registry.Metric
  private let images: Registry.Metric
  private let queueTimes: Registry.Metric
  private let queued: Registry.Metric
  private let queueLimit: Registry.Metric
  private let batches: Registry.Metric
  private let batchTimes: Registry.Metric
  private let decodeTimes: Registry.Metric
  private let information: Registry.Metric
  private let process: [Registry.Metric]

  /// Seconds, from half a millisecond to a minute.
  private static let times: [Double] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  ]
  /// Numbers of images.
  private static let sizes: [Double] = [1, 2, 4, 8, 16, 32, 64, 128]
  private static let facts = ["variant", "compiler", "target", "isa", "weights"]

  /// Creates the metrics of a server of these models.
  public init(models: [ServedModel], policy: BatchPolicy) {
    let model = ["model"]
    requests = registry.counter(
      "vitc_requests_total", "Requests answered, by model and HTTP status.",
      labels: ["model", "code"])
    failures = registry.counter(
      "vitc_failures_total", "Requests without a result, by model and reason.",
      labels: ["model", "reason"])
    durations = registry.histogram(
      "vitc_request_seconds",
      "From the head of an inference request to its answer, by model.", labels: model,
      bounds: Self.times)
    inFlight = registry.gauge("vitc_requests_in_flight", "Requests that are not answered yet.")
    images = registry.counter("vitc_images_total", "Images run, by model.", labels: model)
    decodeTimes = registry.histogram(
      "vitc_decode_seconds",
      "Reading a request: tensors, or decoding and preprocessing of pictures.", labels: model,
      bounds: Self.times)
    queueTimes = registry.histogram(
      "vitc_queue_seconds", "From the queue to the first step, by model.", labels: model,
      bounds: Self.times)
    queued = registry.gauge("vitc_queue_images", "Images that wait, by model.", labels: model)
    queueLimit = registry.gauge(
      "vitc_queue_limit_images", "The most images that may wait for a model.")
    batches = registry.histogram(
      "vitc_batch_images", "Images in a run, by model.", labels: model, bounds: Self.sizes)
    batchTimes = registry.histogram(
      "vitc_batch_seconds", "From the first step of a run to the last, by model.", labels: model,
      bounds: Self.times)
    information = registry.gauge(
      "vitc_model_info", "1 for each model.", labels: ["model", "version"] + Self.facts)
    process = [
      registry.counter("process_cpu_seconds_total", "Processor time, user and system."),
      registry.gauge("process_resident_memory_bytes", "Resident memory."),
      registry.gauge("process_start_time_seconds", "When the process began, since 1970."),
    ]
    registry.set(queueLimit, to: Double(policy.capacity))
    registry.set(inFlight, to: 0)
    for model in models {
      registry.set(
        information, to: 1,
        labels: [model.name, ServedModel.version] + Self.facts.map { model.facts[$0] ?? "" })
      registry.add(0, to: images, model.name)
    }
  }

  /// A request has arrived, or was answered.
  public func countInFlight(_ change: Int) { registry.add(Double(change), to: inFlight) }

  /// A request was answered.
  ///
  /// `model` is "" where it names none that exists, so that clients cannot
  /// make series.
  public func countRequest(model: String, code: Int, reason: ServeError.Reason?) {
    registry.add(to: requests, model, "\(code)")
    if let reason { registry.add(to: failures, model, reason.rawValue) }
  }

  /// How long an inference request took.
  public func observeRequest(model: String, seconds: Double) {
    registry.observe(seconds, in: durations, model)
  }

  /// How long a request's images took to be read.
  public func observeDecoding(model: String, seconds: Double) {
    registry.observe(seconds, in: decodeTimes, model)
  }

  /// How long the images of a request waited.
  public func observeQueue(model: String, seconds: Double) {
    registry.observe(seconds, in: queueTimes, model)
  }

  /// What a run was.
  public func observe(_ batch: BatchReport) {
    registry.add(Double(batch.images), to: images, batch.model)
    registry.observe(Double(batch.images), in: batches, batch.model)
    registry.observe(batch.seconds, in: batchTimes, batch.model)
  }

  /// The text for Prometheus, with what the engine's queues and the process are now.
  public func text(engine: Engine) -> String {
    for (model, waiting) in zip(engine.models, engine.waiting) {
      registry.set(queued, to: Double(waiting), model.name)
    }
    let now = ProcessFacts()
    for (metric, value) in zip(process, [now.cpuSeconds, now.residentBytes, now.startTime]) {
      registry.set(metric, to: value)
    }
    return registry.text
  }
}
