/// Measures the parts of a piece of work.
struct Stopwatch {
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant
  private(set) var phases: [CompileReport.Phase] = []

  init() { start = ContinuousClock().now }

  /// Ends the part that has been running.
  mutating func lap(_ name: String) {
    let now = clock.now
    let duration = (now - start).components
    phases.append(
      CompileReport.Phase(
        name: name,
        seconds: Double(duration.seconds) + Double(duration.attoseconds) * 1e-18))
    start = now
  }
}
