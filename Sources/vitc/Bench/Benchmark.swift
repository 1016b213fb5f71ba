import Diagnostics
import Models
import VitRuntime

/// Runs a model with several thread counts in turn and measures.
struct Benchmark {
  /// One thread count's context, buffers and measurements.
  private final class Lane {
    let threads: Int
    let context: VitContext
    private(set) var times: [Double] = []
    /// The sum of the times.
    private(set) var spent = 0.0
    var peak = 0.0

    init(threads: Int, library: String) throws(Diagnostic) {
      self.threads = threads
      let model = try CompiledModel(library, threads: threads).model
      context = try CompiledModel.telling(library) { try model.makeContext() }
    }

    func add(_ time: Double) {
      times.append(time)
      spent += time
    }
  }

  /// The library's path.
  let library: String
  /// Thread counts, ascending.
  let threads: [Int]
  /// Images in one run.
  let batch: Int
  /// For each thread count.
  let amount: Amount
  /// `true` iff the steps are measured too.
  let perOp: Bool
  /// The size of the images, `HxW`; `nil`: the first.
  var size: String?
  /// What is run instead of made-up images.
  var photos: PhotoInputs?

  /// How much is measured.
  enum Amount {
    case seconds(Double)
    /// This many runs.
    case iterations(Int)
  }

  /// Turns that each thread count gets: enough that a disturbance meets few of its runs.
  private static let turns = 10
  /// Runs that each thread count gets at least, apart from the one that warms up.
  private static let leastRuns = 3
  /// Runs that measure the steps, where nothing else is said.
  private static let stepRuns = 10

  /// Measures.
  func run() throws(Diagnostic) -> BenchReport {
    let progress = ProgressLine("measuring")
    defer { progress.finish() }
    let model = try CompiledModel(library)
    let size = if let photos { photos.size } else { try model.size(self.size) }
    let description = model.model.sizes[size]
    let peak = try Peak()
    var lanes: [Lane] = []
    for count in threads { lanes.append(try Lane(threads: count, library: library)) }
    let images = photos?.windows(batch) ?? CompiledModel.sample(description, count: batch)
    let first = description.outputs.first
    let bytes = batch * (first?.elements ?? 0) * (first?.elementBytes ?? 0)
    var output = [UInt8](repeating: 0, count: bytes)
    var turn = 0
    while turn < turns || lanes.contains(where: { $0.times.count < leastRuns }) {
      for (index, lane) in lanes.enumerated() {
        lane.peak = max(lane.peak, peak.measure(threads: lane.threads))
        try measure(lane, images, size, &output, until: goal(after: turn + 1))
        progress.update(
          "measuring \(lane.threads) threads",
          fraction: min(
            1, Double(turn * lanes.count + index) / Double(turns * lanes.count)))
      }
      turn += 1
    }
    var report = BenchReport(
      model: description.model, target: description.target, isa: model.model.isa,
      library: library, flops: description.flops,
      results: lanes.map { lane in
        BenchReport.Result(
          threads: lane.threads, batch: batch, times: Statistics(lane.times),
          flops: description.flops, peak: lane.peak)
      })
    report.photos = photos?.report
    report.readsTexts = description.input.holdsTokens
    if perOp, let lane = lanes.last {
      var runs = Self.stepRuns
      if case .iterations(let count) = amount { runs = count }
      let times = try TaskTimes.measure(
        library: library, tasks: lane.threads, runs: runs, .together, size: size
      ).flatMap(\.self)
      report.perOp = StepReport(
        described: model.steps(size), seconds: times, threads: lane.threads,
        peak: lane.peak)
    }
    return report
  }

  private var turns: Int {
    if case .iterations(let count) = amount { min(count, Self.turns) } else { Self.turns }
  }

  private var leastRuns: Int {
    if case .iterations = amount { 0 } else { Self.leastRuns }
  }

  /// How much each thread count has measured in all after this many turns.
  private func goal(after turn: Int) -> Amount {
    switch amount {
    case .seconds(let seconds): .seconds(seconds * Double(turn) / Double(Self.turns))
    case .iterations(let count): .iterations(count * turn / turns)
    }
  }

  /// Runs once to warm caches and wake threads, then measures until the lane has done `goal` in
  /// all.
  private func measure(
    _ lane: Lane, _ images: [Float], _ size: Int, _ output: inout [UInt8], until goal: Amount
  ) throws(Diagnostic) {
    let ids = lane.context.model.description.input.holdsTokens ? images.map { Int32($0) } : nil
    try CompiledModel.telling(library) {
      try images.withUnsafeBufferPointer { images in
        try output.withUnsafeMutableBytes { output in
          // Of photos each run takes the next ones.
          let elements = batch * lane.context.model.sizes[size].input.elements
          let step = images.count > elements ? elements / batch : 0
          var start = 0
          func run() throws {
            if let ids {
              _ = try lane.context.run(ids: ids, count: batch)
            } else {
              let window = UnsafeBufferPointer(rebasing: images[start..<start + elements])
              try lane.context.run(images: window, count: batch, size: size, intoBytes: output)
              start = start + step + elements <= images.count ? start + step : 0
            }
          }
          try run()
          var isDone = false
          repeat {
            let start = ContinuousClock.now
            try run()
            let time = (ContinuousClock.now - start).seconds
            lane.add(time)
            switch goal {
            case .seconds(let seconds): isDone = lane.spent >= seconds
            case .iterations(let count): isDone = lane.times.count >= count
            }
          } while !isDone
        }
      }
    }
  }
}
