import ArgumentParser
import JSON

/// `vitc bench`: how fast a compiled model is.
struct Bench: QuietCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a compiled model's latency.",
    discussion: """
      Thread counts are measured in turn, so that noise affects all of them alike. GFLOP/s and \
      percent of peak are those of the shortest run; the peak is measured on the same number of \
      threads, with fused multiply-adds in registers. With --json, 'results' has an object for \
      each thread count, and the fields beside it are those of the highest. --per-op also runs \
      single images on the highest thread count and prints the time of each operation.

      --simulate predicts the latency on more processors than there are here: it measures every \
      task of every step alone and adds up the longest of each step and the waiting between \
      steps; with --batch, of all rounds in which compiled models run the images. It knows \
      nothing of caches that cores share, nor of threads that help others with their shares where \
      these are uneven.
      """)

  @Argument(help: "The compiled model.")
  var library: String

  @Option(
    help: ArgumentHelp(
      """
      Thread counts, separated by commas, 'all' for 1 to the number of processors, or 'auto' for \
      the default's and a recommendation, with --simulate of those that it names.
      """, valueName: "list"))
  var threads = ThreadCounts.doubling

  @Option(
    help: ArgumentHelp(
      "The size of the images, of a model for several (default: the first).", valueName: "hxw"))
  var size: String?

  @Option(help: "The number of images in one run.")
  var batch = 1

  @Option(help: "How long to measure each thread count, in seconds.")
  var seconds = 2.0

  @Option(
    help: ArgumentHelp(
      "The number of runs for each thread count, instead of --seconds.", valueName: "count"))
  var iterations: Int?

  @Flag(help: "Print the time, GFLOP/s and percent of peak of each operation.")
  var perOp = false

  @Option(
    help: ArgumentHelp(
      "Predict the latency on these thread counts, such as 4,8,16, instead of measuring it.",
      valueName: "list"))
  var simulate: ThreadCounts?

  @Option(
    help: ArgumentHelp(
      "With --simulate: what all processors together read from memory, in GB/s.",
      valueName: "gb/s"))
  var bandwidth: Double?

  @Option(
    help: ArgumentHelp(
      """
      Photos to run instead of made-up images: PNG, JPEG or WebP files or folders of them, 256 at \
      most; may be repeated. Decoding and preprocessing are measured apart.
      """, valueName: "photo"))
  var images: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      Write the steps of single images by thread, on the highest thread count, as Perfetto and \
      chrome://tracing show them.
      """, valueName: "file"))
  var trace: String?

  @Flag(
    help: """
      Measure only the time of each step, on the highest thread count, and print stacks and \
      nanoseconds, as programs that draw flame graphs read them.
      """)
  var folded = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var quietness: Quietness

  /// The most images in one run.
  private static let batchLimit = 65536

  func validate() throws {
    guard (1...Self.batchLimit).contains(batch) else {
      throw ValidationError("--batch must be 1 to \(Self.batchLimit), found \(batch).")
    }
    guard iterations.map({ (1...1_000_000).contains($0) }) ?? true else {
      throw ValidationError(
        "--iterations must be 1 to 1000000, found \(iterations.map(String.init) ?? "").")
    }
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0 and at most 3600, found \(seconds).")
    }
    guard bandwidth.map({ $0 > 0 && $0 <= 1e6 }) ?? true else {
      throw ValidationError(
        "--bandwidth must be above 0 and at most 1000000, found \(bandwidth.map { "\($0)" } ?? "")."
      )
    }
    guard bandwidth == nil || simulate != nil else {
      throw ValidationError("--bandwidth needs --simulate.")
    }
    guard simulate == nil || (!perOp && images.isEmpty && trace == nil && !folded) else {
      throw ValidationError("--simulate has no --per-op, --images, --trace and --folded.")
    }
    guard !folded || (!json && !perOp && images.isEmpty && trace == nil && batch == 1) else {
      throw ValidationError(
        "--folded stands without --json, --per-op, --images, --trace and --batch.")
    }
  }

  /// Runs that measure the tasks for a thread count, where nothing else is said.
  private static let simulatedRuns = 8

  func run() throws {
    if let simulate {
      var report = try Simulation(
        library: library, threads: simulate.counts(), runs: iterations ?? Self.simulatedRuns,
        bandwidth: bandwidth.map { $0 * 1e9 }, batch: batch, size: size
      ).run()
      if threads == .automatic {
        report.advice = ThreadAdvice(report.results.map { ($0.threads, $0.ms) })
      }
      if json { return try JSONValue.print(report) }
      return print(report.text, terminator: "")
    }
    let counts = threads.counts()
    if folded {
      return print(
        try FoldedStacks(library: library, threads: counts.last ?? 1, runs: iterations, size: size)
          .text(),
        terminator: "")
    }
    try Overwriting.check(trace, inputs: [library] + images)
    var benchmark = Benchmark(
      library: library, threads: counts, batch: batch,
      amount: iterations.map { .iterations($0) } ?? .seconds(seconds), perOp: perOp, size: size)
    if !images.isEmpty { benchmark.photos = try PhotoInputs(images, library: library, size: size) }
    var report = try benchmark.run()
    if threads == .automatic {
      report.advice = ThreadAdvice(report.results.map { ($0.threads, $0.medianMs) })
    }
    if let trace {
      try StepTrace.measure(
        library: library, threads: counts.last ?? 1, runs: min(iterations ?? 5, 100), size: size
      ).write(to: trace)
    }
    if json { return try JSONValue.print(report) }
    print(report.text, terminator: "")
  }
}
