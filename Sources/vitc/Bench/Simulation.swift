import Diagnostics
import JSON

/// Predicts the latency of a run on more processors than there are here, from the times of all
/// tasks one by one.
///
/// A batch is shared out as compiled models do it (`BatchRounds`); images that run at the same time
/// take as long as one, but each reads the weights for itself.
///
/// A step of a run on T threads takes as long as the longest of its T tasks, or as long as its
/// weights take through the memory bus if that is given and longer; then all wait for each other.
/// Not in it: activations that pass from one core's cache to another's, several last-level caches,
/// memory nodes, clocks that fall when many cores work, threads that share a core. So a prediction
/// is a lower bound, and what it says of causes is better than its milliseconds.
struct Simulation {
  /// The library's path.
  let library: String
  /// Thread counts, ascending.
  let threads: [Int]
  /// Runs that measure each thread count.
  let runs: Int
  /// Bytes a second that all cores together read; `nil`: not a bound.
  let bandwidth: Double?
  /// Images in one run.
  var batch = 1
  /// The size of the images, `HxW`; `nil`: the first.
  var size: String?

  /// Measures, and predicts.
  func run() throws(Diagnostic) -> SimulationReport {
    let progress = ProgressLine("measuring")
    defer { progress.finish() }
    let model = try CompiledModel(library)
    let size = try model.size(self.size)
    let described = model.steps(size)
    let barrier = BarrierCost.measure()
    let rounds = threads.map { BatchRounds(images: batch, threads: $0) }
    let sizes = Set([1] + rounds.flatMap { $0.rounds.map(\.size) }).sorted()
    // The times of each size of teams; that of one task comes first.
    var measured: [Int: [[Double]]] = [:]
    for (index, tasks_) in sizes.enumerated() {
      progress.update(
        "measuring \(tasks_) tasks", fraction: Double(index) / Double(sizes.count))
      measured[tasks_] = try TaskTimes.measure(
        library: library, tasks: tasks_, runs: runs, .alone, size: size)
    }
    let results = zip(threads, rounds).map { count, share in
      var steps: [SimulationReport.Step] = []
      for round in share.rounds {
        for (index, tasks) in (measured[round.size] ?? []).enumerated() {
          let step = SimulationReport.Step(
            name: described.indices.contains(index)
              ? described[index]["name"]?.string ?? "step \(index)" : "step \(index)",
            alone: measured[1]?[index].reduce(0, +) ?? 0, tasks: tasks, images: round.images,
            waiting: barrier.seconds(threads: round.size),
            reading: bandwidth.map {
              Double(round.images) * Self.weightBytes(described, index) / $0
            } ?? 0)
          if index < steps.count { steps[index].add(step) } else { steps.append(step) }
        }
      }
      return SimulationReport.Result(threads: count, steps: steps)
    }
    return SimulationReport(
      model: model.description.model, isa: model.model.isa, barrier: barrier,
      bandwidth: bandwidth, batch: batch, results: results)
  }

  private static func weightBytes(_ described: [JSONValue], _ index: Int) -> Double {
    guard described.indices.contains(index),
      case .integer(let bytes)? = described[index]["weightBytes"]
    else { return 0 }
    return Double(bytes)
  }
}
