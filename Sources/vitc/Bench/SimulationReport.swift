/// What `vitc bench --simulate` predicts.
struct SimulationReport: Encodable {
  /// One step of all images on a number of threads, or several of the same kind; all in seconds.
  struct Step {
    var name: String
    /// Of the work on one thread.
    var alone: Double
    /// Of the longest task, or of reading the weights.
    var span: Double
    /// Of all tasks together.
    var work: Double
    /// Of waiting for each other.
    var waiting: Double

    /// A step of `images` images that run at the same time, each by these tasks.
    init(
      name: String, alone: Double, tasks: [Double], images: Int, waiting: Double, reading: Double
    ) {
      self.name = name
      self.alone = Double(images) * alone
      self.waiting = waiting
      span = max(reading, tasks.max() ?? 0)
      work = Double(images) * tasks.reduce(0, +)
    }

    /// The time of the step.
    var total: Double { span + waiting }

    /// Adds one of the same kind.
    mutating func add(_ other: Step) {
      alone += other.alone
      span += other.span
      work += other.work
      waiting += other.waiting
    }
  }

  /// One thread count; parts are of the predicted time, `efficiency` of a perfect division.
  struct Result: Encodable {
    let threads: Int
    let ms: Double
    /// The time of one thread over `threads` times this one.
    let efficiency: Double
    /// The work of all tasks over that of one thread: what is done several times.
    let repeatedWork: Double
    /// The longest tasks over the mean ones.
    let imbalance: Double
    /// The part that threads wait for each other.
    let barrierShare: Double
    /// Steps of the same kind in all blocks, in the order of their first.
    let kinds: [Kind]

    enum CodingKeys: String, CodingKey {
      case threads, ms, efficiency, imbalance, kinds
      case repeatedWork = "repeated_work"
      case barrierShare = "barrier_share"
    }

    init(threads: Int, steps: [Step]) {
      self.threads = threads
      let total = steps.reduce(0) { $0 + $1.total }
      let span = steps.reduce(0) { $0 + $1.span }
      let work = steps.reduce(0) { $0 + $1.work }
      let alone = steps.reduce(0) { $0 + $1.alone }
      ms = total * 1e3
      efficiency = Self.ratio(alone, Double(threads) * total)
      repeatedWork = Self.ratio(work, alone)
      imbalance = Self.ratio(span * Double(threads), work)
      barrierShare = Self.ratio(total - span, total)
      var kinds: [Step] = []
      for step in steps {
        var step = step
        step.name = StepReport.kind(step.name)
        if let index = kinds.firstIndex(where: { $0.name == step.name }) {
          kinds[index].add(step)
        } else {
          kinds.append(step)
        }
      }
      self.kinds = kinds.map { Kind($0, threads: threads) }
    }

    fileprivate static func ratio(_ one: Double, _ other: Double) -> Double {
      other > 0 ? one / other : 0
    }
  }

  /// The steps of one kind on a number of threads.
  struct Kind: Encodable {
    let name: String
    let ms: Double
    let efficiency: Double
    let repeatedWork: Double
    let imbalance: Double

    enum CodingKeys: String, CodingKey {
      case name, ms, efficiency, imbalance
      case repeatedWork = "repeated_work"
    }

    init(_ step: Step, threads: Int) {
      name = step.name
      ms = step.total * 1e3
      efficiency = Result.ratio(step.alone, Double(threads) * step.total)
      repeatedWork = Result.ratio(step.work, step.alone)
      imbalance = Result.ratio(step.span * Double(threads), step.work)
    }
  }

  let model: String
  /// The instruction set that ran.
  let isa: String
  /// What waiting costs.
  let barrier: BarrierCost
  /// Bytes a second of the memory; `nil`: not a bound.
  let bandwidth: Double?
  /// Images in one run.
  let batch: Int
  /// Thread counts, ascending.
  let results: [Result]
  /// Which of them serve best, if that was asked for.
  var advice: ThreadAdvice?

  private enum Keys: String, CodingKey {
    case model, isa, batch, results
    case barrierMicroseconds = "barrier_us_of_two"
    case perThreadMicroseconds = "barrier_us_per_thread"
    case advice = "recommended_threads"
    case bandwidth = "bandwidth_gb_s"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(model, forKey: .model)
    try container.encode(isa, forKey: .isa)
    try container.encode(batch, forKey: .batch)
    try container.encode(barrier.ofTwo * 1e6, forKey: .barrierMicroseconds)
    try container.encode(BarrierCost.perThread * 1e6, forKey: .perThreadMicroseconds)
    try container.encodeIfPresent(bandwidth.map { $0 / 1e9 }, forKey: .bandwidth)
    try container.encode(results, forKey: .results)
    try container.encodeIfPresent(advice, forKey: .advice)
  }

  /// The report for people: all thread counts, then the kinds of steps of the highest.
  var text: String {
    func percent(_ part: Double) -> String { "\(Format.fixed(100 * part, 1)) %" }
    var table = TextTable([
      ("threads", .right), ("ms", .right), ("efficiency", .right), ("repeated work", .right),
      ("imbalance", .right), ("barriers", .right),
    ])
    for result in results {
      table.add([
        String(result.threads), Format.fixed(result.ms, 3), percent(result.efficiency),
        percent(result.repeatedWork - 1), percent(result.imbalance - 1),
        percent(result.barrierShare),
      ])
    }
    var text =
      "\(model), \(isa): predicted from single tasks, "
      + (batch == 1 ? "one image" : "runs of \(batch) images") + "; a barrier takes "
      + "\(Format.fixed(barrier.ofTwo * 1e6, 2)) us on two threads (measured) and "
      + "\(Format.fixed(BarrierCost.perThread * 1e6, 2)) us more for each further one (assumed); "
      + (bandwidth.map { "\(Format.fixed($0 / 1e9, 1)) GB/s of memory\n" }
        ?? "memory is not a bound\n")
      + table.text() + (advice?.text() ?? "")
    guard let last = results.last else { return text }
    var kinds = TextTable([
      ("kind of step", .left), ("ms", .right), ("of time", .right), ("efficiency", .right),
      ("repeated work", .right), ("imbalance", .right),
    ])
    for kind in last.kinds {
      kinds.add([
        kind.name, Format.fixed(kind.ms, 3), percent(last.ms > 0 ? kind.ms / last.ms : 0),
        percent(kind.efficiency), percent(kind.repeatedWork - 1), percent(kind.imbalance - 1),
      ])
    }
    text += "\n\(last.threads) threads\n" + kinds.text()
    return text
  }
}
