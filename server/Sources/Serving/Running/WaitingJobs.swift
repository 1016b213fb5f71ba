/// When images are run together.
public struct BatchPolicy: Hashable, Sendable {
  /// The most images of one run; at least 1.
  public var batch: Int
  /// How long the first image of a batch waits for others, in nanoseconds, while nothing runs.
  public var delay: UInt64
  /// The most images that wait; at least 1.
  public var capacity: Int

  /// Creates a policy.
  public init(batch: Int = 8, delay: UInt64 = 2_000_000, capacity: Int = 256) {
    self.batch = batch
    self.delay = delay
    self.capacity = capacity
  }
}

/// The jobs of one model that wait, in the order in which they came: what is run next, and when.
///
/// A job of more images than a batch has is run in several; what is left of it is the next batch's
/// beginning, so that no batch is smaller than it could be.
struct WaitingJobs {
  /// Some images of a job.
  struct Part {
    let job: Job
    let images: Range<Int>
  }

  let policy: BatchPolicy
  private var jobs: [Job] = []
  /// How many images of the first job are taken.
  private var taken = 0
  /// The number of images that wait.
  private(set) var images = 0

  init(policy: BatchPolicy) { self.policy = policy }

  /// When the first job was queued; `nil` if none waits.
  var oldest: UInt64? { jobs.first?.queued }

  /// When the next batch may run: at once if it is full, else when the first job has waited for
  /// others long enough; `nil` if no job waits.
  var ready: UInt64? {
    guard let oldest else { return nil }
    return images >= policy.batch || taken > 0 ? 0 : oldest &+ policy.delay
  }

  /// Takes a job unless the queue would have more images than it may.
  mutating func add(_ job: Job) -> Bool {
    guard images + job.images.count <= policy.capacity else { return false }
    jobs.append(job)
    images += job.images.count
    return true
  }

  /// Removes a job whose result nobody wants any more.
  mutating func remove(_ job: Job) {
    guard let place = jobs.firstIndex(where: { $0 === job }) else { return }
    images -= job.images.count - (place == 0 ? taken : 0)
    if place == 0 { taken = 0 }
    jobs.remove(at: place)
  }

  /// The next batch: at most `policy.batch` images.
  mutating func take() -> [Part] {
    var parts: [Part] = []
    var space = policy.batch
    while space > 0, let job = jobs.first {
      let end = min(job.images.count, taken + space)
      parts.append(Part(job: job, images: taken..<end))
      space -= end - taken
      images -= end - taken
      if end == job.images.count {
        jobs.removeFirst()
        taken = 0
      } else {
        taken = end
      }
    }
    return parts
  }
}
