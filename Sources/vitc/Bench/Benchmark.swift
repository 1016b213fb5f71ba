import IR
import Models
import VitRuntime

/// Runs a model with several thread counts in turn and measures.
struct Benchmark {
  /// One thread count's context, buffers and measurements.
  private final class Lane {
    let threads: Int
    let context: VitContext
    var times: [Double] = []
    var peak = 0.0

    init(threads: Int, library: String) throws(Diagnostic) {
      self.threads = threads
      let model = try CompiledModel(library, threads: threads).model
      context = try CompiledModel.telling(library) { try model.makeContext() }
    }

    var spent: Double { times.reduce(0, +) }
  }

  /// The library's path.
  let library: String
  /// Thread counts, ascending.
  let threads: [Int]
  /// Images in one run.
  let batch: Int
  /// For each thread count.
  let seconds: Double

  /// Turns that each thread count gets: enough that a disturbance meets few of its runs.
  private static let turns = 10
  /// Runs that each thread count gets at least, apart from the one that warms up.
  private static let leastRuns = 3

  /// Measures.
  func run() throws(Diagnostic) -> BenchReport {
    let progress = ProgressLine("measuring")
    defer { progress.finish() }
    let description = try CompiledModel(library).description
    let peak = try Peak()
    var lanes: [Lane] = []
    for count in threads { lanes.append(try Lane(threads: count, library: library)) }
    let images = SeededCheckpoint.tensor(
      name: "input", shape: [batch] + description.input.shape, seed: 0)
    let size = batch * (description.outputs.first?.elements ?? 0)
    var output = [Float](repeating: 0, count: size)
    var turn = 0
    while turn < Self.turns || lanes.contains(where: { $0.times.count < Self.leastRuns }) {
      for (index, lane) in lanes.enumerated() {
        lane.peak = max(lane.peak, peak.measure(threads: lane.threads))
        let budget = seconds * Double(turn + 1) / Double(Self.turns)
        try measure(lane, images.values, &output, until: budget)
        progress.update(
          "measuring \(lane.threads) threads",
          fraction: min(
            1, Double(turn * lanes.count + index) / Double(Self.turns * lanes.count)))
      }
      turn += 1
    }
    return BenchReport(
      model: description.model, target: description.target, library: library,
      flops: description.flops,
      results: lanes.map { lane in
        BenchReport.Result(
          threads: lane.threads, batch: batch, times: Statistics(lane.times),
          flops: description.flops, peak: lane.peak)
      })
  }

  /// Runs once to warm caches and wake threads, then measures until the lane has spent `budget`
  /// seconds in all.
  private func measure(
    _ lane: Lane, _ images: [Float], _ output: inout [Float], until budget: Double
  ) throws(Diagnostic) {
    try CompiledModel.telling(library) {
      try images.withUnsafeBufferPointer { images in
        try output.withUnsafeMutableBufferPointer { output in
          try lane.context.run(images: images, count: batch, into: output)
          var spent = lane.spent
          repeat {
            let start = ContinuousClock.now
            try lane.context.run(images: images, count: batch, into: output)
            let time = (ContinuousClock.now - start).seconds
            lane.times.append(time)
            spent += time
          } while spent < budget
        }
      }
    }
  }
}
