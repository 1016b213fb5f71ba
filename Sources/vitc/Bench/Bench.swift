import ArgumentParser
import JSON

/// `vitc bench`: how fast a compiled model is.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a compiled model's latency.",
    discussion: """
      Thread counts are measured in turn, so that noise affects all of them alike. GFLOP/s and \
      percent of peak are those of the shortest run; the peak is measured on the same number of \
      threads, with fused multiply-adds in registers. With --json, 'results' has an object for \
      each thread count, and the fields beside it are those of the highest. --per-op also runs \
      single images on the highest thread count and prints the time of each operation.
      """)

  @Argument(help: "The compiled model.")
  var library: String

  @Option(
    help: ArgumentHelp(
      """
      Thread counts, separated by commas, or 'all' for 1 to the number of processors.
      """, valueName: "list"))
  var threads = ThreadCounts.doubling

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

  @Flag(help: "Print one JSON object.")
  var json = false

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
  }

  func run() throws {
    let report = try Benchmark(
      library: library, threads: threads.counts(), batch: batch,
      amount: iterations.map { .iterations($0) } ?? .seconds(seconds), perOp: perOp
    ).run()
    if json { return try JSONValue.print(report) }
    print(report.text, terminator: "")
  }
}
