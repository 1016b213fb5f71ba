import Diagnostics
import JSON

/// Predicts the latency of one image on more processors than there are here, from the times of all
/// tasks one by one.
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
    let counts = [1] + threads.filter { $0 != 1 }
    var alone: [[Double]] = []
    var results: [SimulationReport.Result] = []
    for (index, count) in counts.enumerated() {
      progress.update(
        "measuring \(count) tasks", fraction: Double(index) / Double(counts.count))
      let times = try TaskTimes.measure(
        library: library, tasks: count, runs: runs, .alone, size: size)
      if count == 1 { alone = times }
      let steps = times.enumerated().map { index, tasks in
        SimulationReport.Step(
          name: described.indices.contains(index)
            ? described[index]["name"]?.string ?? "step \(index)" : "step \(index)",
          alone: alone.indices.contains(index) ? alone[index].reduce(0, +) : 0, tasks: tasks,
          waiting: barrier.seconds(threads: count),
          reading: bandwidth.map { Self.weightBytes(described, index) / $0 } ?? 0)
      }
      if threads.contains(count) {
        results.append(SimulationReport.Result(threads: count, steps: steps))
      }
    }
    return SimulationReport(
      model: model.description.model, isa: model.model.isa, barrier: barrier,
      bandwidth: bandwidth, results: results)
  }

  private static func weightBytes(_ described: [JSONValue], _ index: Int) -> Double {
    guard described.indices.contains(index),
      case .integer(let bytes)? = described[index]["weightBytes"]
    else { return 0 }
    return Double(bytes)
  }
}
