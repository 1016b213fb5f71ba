/// How fast photos go, and how long the rest takes.
struct Pace {
  private let total: Int
  private let start = ContinuousClock.now

  /// Starts the clock for so many photos.
  init(total: Int) { self.total = total }

  /// Seconds since the start.
  var seconds: Double {
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }

  /// What a progress line says after so many photos: `embedding 250 of 1 000, 50.0 a second, 15 s
  /// left,`.
  func text(_ label: String, done: Int) -> String {
    Self.text(label, done: done, total: total, seconds: seconds)
  }

  /// The same of given times.
  static func text(_ label: String, done: Int, total: Int, seconds: Double) -> String {
    let counts = "\(label) \(Format.grouped(done)) of \(Format.grouped(total)),"
    guard done > 0, seconds > 0 else { return counts }
    let rate = Double(done) / seconds
    return counts + " \(Format.fixed(rate, 1)) a second, "
      + "\(duration(Double(total - done) / rate)) left,"
  }

  /// Seconds in a unit that people read: `45 s`, `12 min`, `3.5 h`.
  static func duration(_ seconds: Double) -> String {
    if seconds < 90 { return "\(Int(seconds.rounded())) s" }
    if seconds < 90 * 60 { return "\(Int((seconds / 60).rounded())) min" }
    return "\(Format.fixed(seconds / 3600, 1)) h"
  }
}
