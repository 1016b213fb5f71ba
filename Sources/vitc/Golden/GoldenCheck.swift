import ArgumentParser
import Diagnostics
import Files
import JSON

/// `vitc golden check`: a model against a golden.
struct GoldenCheck: QuietCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks a compiled model against stored outputs; exit code 1 if they differ.",
    discussion: """
      An output differs if, for one image, the error max|y - y0| / rms(y0) is above the tolerance \
      or the cosine of y and y0 is below its limit. The limits are those in the golden, by \
      default 2e-5 and 0.9999.
      """)

  @Argument(help: "The compiled model.")
  var library: String

  @Argument(help: "The golden, an .npz file.")
  var golden: String

  @Option(help: "The limit of max|y - y0| / rms(y0).")
  var tolerance: Double?

  @Option(help: "The limit of the cosine of y and y0.")
  var cosine: Double?

  @Option(help: "The number of threads; 0 for all processors.")
  var threads = 0

  @Option(
    help: ArgumentHelp(
      "Write the result as JUnit's XML, a test case for each output, as CI systems read it.",
      valueName: "file"))
  var junit: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var quietness: Quietness

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads must be 0 or more, found \(threads).") }
    try Self.validate(tolerance: tolerance, cosine: cosine)
  }

  /// Refuses limits that say nothing.
  static func validate(tolerance: Double?, cosine: Double?) throws {
    if let tolerance, !(tolerance >= 0) {
      throw ValidationError("--tolerance must be 0 or more, found \(tolerance).")
    }
    if let cosine, !(-1...1).contains(cosine) {
      throw ValidationError("--cosine must be between -1 and 1, found \(cosine).")
    }
  }

  func run() throws {
    try Overwriting.check(junit, inputs: [library, golden])
    let start = ContinuousClock.now
    let model = try CompiledModel(library, threads: threads)
    let file = try GoldenFile(golden, for: model)
    let results = try BatchRun(model: model)
      .run(file.images.values, file.batch, outputs: file.outputs.map(\.name))
    let limits = GoldenFile.Limits(
      tolerance: tolerance ?? file.tolerance ?? GoldenFile.Limits.standard.tolerance,
      cosine: cosine ?? file.cosine ?? GoldenFile.Limits.standard.cosine)
    var measured: [(name: String, deviation: Deviation)] = []
    for (name, array) in file.outputs {
      let deviation = Deviation(
        found: results[name] ?? [], expected: array.values, count: file.batch.count)
      measured.append((name, deviation))
    }
    if let junit {
      let report = JUnitReport(
        library: library, golden: golden, measured: measured, limits: limits,
        duration: ContinuousClock.now - start)
      try AtomicFile.write(path: junit, contents: Array(report.text.utf8))
    }
    if json {
      try JSONValue.print(
        GoldenReport(
          library: library, golden: golden, images: file.batch.count, limits: limits,
          measured: measured))
    } else {
      print(Self.report(measured, limits), terminator: "")
    }
    if let failure = Self.failure(measured, limits, library: library) { throw failure }
  }

  /// A line for each output.
  static func report(
    _ measured: [(name: String, deviation: Deviation)], _ limits: GoldenFile.Limits
  ) -> String {
    var table = TextTable([
      ("output", .left), ("max|y-y0|/rms(y0)", .right), ("relative L2", .right),
      ("cosine", .right), ("", .left),
    ])
    for (name, deviation) in measured {
      table.add([
        name, Format.scientific(deviation.error), Format.scientific(deviation.relativeL2),
        Format.fixed(deviation.cosine, 9), deviation.isWithin(limits) ? "ok" : "DIFFERS",
      ])
    }
    return table.text()
  }

  /// The worst of the outputs that differ, or `nil` if all are within the limits.
  static func failure(
    _ measured: [(name: String, deviation: Deviation)], _ limits: GoldenFile.Limits,
    library: String
  ) -> Diagnostic? {
    let failed = measured.filter { !$0.deviation.isWithin(limits) }
    guard let (name, worst) = failed.max(by: { $0.deviation.error < $1.deviation.error }) else {
      return nil
    }
    let place = worst.place
    return Diagnostic(
      "output '\(name)' differs from the golden one: error \(Format.scientific(worst.error)), "
        + "expected at most \(limits.tolerance); cosine \(Format.fixed(worst.cosine, 6)), "
        + "expected at least \(limits.cosine)",
      at: .file(library),
      notes: [
        "image \(place.image), element \(place.element): found "
          + "\(Format.significant(place.found)), expected \(Format.significant(place.expected))",
        "\(failed.count) of \(measured.count) outputs differ: "
          + ShortList.text(failed.map(\.name)),
      ])
  }
}
