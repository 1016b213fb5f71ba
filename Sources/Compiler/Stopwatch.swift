/// Measures the stages of a piece of work.
struct Stopwatch {
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant
  private(set) var stages: [CompileReport.Stage] = []

  init() { start = ContinuousClock().now }

  /// Ends the stage that has been running.
  mutating func lap(_ name: String) {
    let now = clock.now
    let duration = (now - start).components
    stages.append(
      CompileReport.Stage(
        name: name,
        seconds: Double(duration.seconds) + Double(duration.attoseconds) * 1e-18))
    start = now
  }
}
