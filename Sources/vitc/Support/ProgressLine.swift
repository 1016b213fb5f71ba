import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A line on stderr that says what is going on and for how long: `running  45 %  3 s`.
///
/// On a terminal it is drawn after the work has taken a second, by a thread of its own, so that it
/// also moves while a long call returns nothing; `finish` erases it. Where stderr is a file or a
/// pipe, as under CI, a line is written every ten seconds, so that a long job does not look dead.
final class ProgressLine: Sendable {
  private struct State {
    var label: String
    var fraction: Double?
    var isFinished = false
    var isDrawn = false
    /// How long the work had gone on when the last line was written, where lines stay.
    var told = Duration.zero
  }

  /// How the line appears.
  enum Appearance {
    /// One line, drawn over itself.
    case drawn
    /// A line at a time, which stays.
    case written
    /// Not at all.
    case none

    /// What suits stderr; none after ``ProgressLine/silence()``.
    static var usual: Appearance {
      isSilent.load(ordering: .relaxed) ? .none : Console.isTerminal ? .drawn : .written
    }
  }

  private static let isSilent = Atomic(false)

  /// Shows no line from now on: what `--quiet` asks for.
  static func silence() { isSilent.store(true, ordering: .relaxed) }

  private let state: Mutex<State>
  private let start = ContinuousClock.now
  private let appearance: Appearance
  private let interval: Duration
  private let write: @Sendable (String) -> Void

  /// Work shorter than this shows no line.
  private static let delay = Duration.seconds(1)
  /// Microseconds between two looks at the state.
  private static let period: UInt32 = 100_000

  /// Starts the clock.
  ///
  /// - Parameters:
  ///   - label: What is going on, such as `compiling`.
  ///   - appearance: How the line appears; by default, as suits stderr.
  ///   - interval: The time between two lines that stay.
  ///   - write: Where the line goes; by default, to stderr.
  init(
    _ label: String, _ appearance: Appearance = .usual, every interval: Duration = .seconds(10),
    to write: @escaping @Sendable (String) -> Void = Console.write
  ) {
    state = Mutex(State(label: label))
    self.appearance = appearance
    self.interval = interval
    self.write = write
    if case .none = appearance { return }
    // The thread holds the object only while it draws: a forgotten line ends with its owner.
    let box = Unmanaged.passRetained(WeakLine(self))
    var thread = pthread_t()
    let failed = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let box = Unmanaged<WeakLine>.fromOpaque(argument).takeRetainedValue()
        while let line = box.line, line.draw() { usleep(ProgressLine.period) }
        return nil
      }, box.toOpaque())
    if failed == 0 { pthread_detach(thread) } else { box.release() }
  }

  deinit { finish() }

  /// Says what is going on now, and how much of it is done (0...1), if that is known.
  func update(_ label: String? = nil, fraction: Double? = nil) {
    state.withLock {
      if let label { $0.label = label }
      $0.fraction = fraction
    }
  }

  /// Erases the line; nothing is drawn afterwards.
  func finish() {
    state.withLock {
      $0.isFinished = true
      if $0.isDrawn { write("\r\u{1B}[K") }
      $0.isDrawn = false
    }
  }

  /// Draws the line if it is time; returns `false` when there is nothing more to draw.
  private func draw() -> Bool {
    let elapsed = ContinuousClock.now - start
    return state.withLock {
      guard !$0.isFinished else { return false }
      let text = Self.text($0.label, fraction: $0.fraction, elapsed: elapsed)
      switch appearance {
      case .drawn where elapsed >= Self.delay:
        write("\r\(text)\u{1B}[K")
        $0.isDrawn = true
      case .written where elapsed - $0.told >= interval:
        write("\(text)\n")
        $0.told = elapsed
      case .drawn, .written, .none: break
      }
      return true
    }
  }

  /// The line's text.
  static func text(_ label: String, fraction: Double?, elapsed: Duration) -> String {
    let percent = fraction.map { "  \(Int($0 * 100)) %" } ?? ""
    return "\(label)\(percent)  \(elapsed.components.seconds) s"
  }
}

/// Refers to a line without keeping it alive.
private final class WeakLine: Sendable {
  nonisolated(unsafe) weak var line: ProgressLine?

  init(_ line: ProgressLine) { self.line = line }
}
