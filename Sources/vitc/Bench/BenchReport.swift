/// What `vitc bench` found out.
struct BenchReport: Encodable {
  /// One thread count.
  struct Result: Encodable {
    let threads: Int
    let batch: Int
    /// The number of runs measured.
    let runs: Int
    let minMs: Double
    let medianMs: Double
    let p99Ms: Double
    /// Of the median run.
    let imagesPerSecond: Double
    /// Of the shortest run.
    let gflops: Double
    /// What this number of threads could do at most.
    let peakGflops: Double
    /// `gflops` of `peakGflops`, in percent.
    let percentOfPeak: Double

    enum CodingKeys: String, CodingKey {
      case threads, batch, runs, gflops
      case minMs = "min_ms"
      case medianMs = "median_ms"
      case p99Ms = "p99_ms"
      case imagesPerSecond = "images_per_second"
      case peakGflops = "peak_gflops"
      case percentOfPeak = "percent_of_peak"
    }

    /// Computes rates from durations.
    ///
    /// - Parameters:
    ///   - flops: Of one image.
    ///   - peak: FLOP/s at most.
    init(threads: Int, batch: Int, times: Statistics, flops: Int, peak: Double) {
      self.threads = threads
      self.batch = batch
      runs = times.count
      minMs = times.minimum * 1e3
      medianMs = times.median * 1e3
      p99Ms = times.percentile99 * 1e3
      imagesPerSecond = Double(batch) / times.median
      gflops = Double(flops) * Double(batch) / times.minimum / 1e9
      peakGflops = peak / 1e9
      percentOfPeak = peak > 0 ? 100 * gflops / peakGflops : 0
    }
  }

  /// The variant, and what it was compiled for.
  let model: String
  let target: String
  /// The instruction set that ran.
  let isa: String
  let library: String
  /// Of one image.
  let flops: Int
  /// Thread counts, ascending; at least one.
  let results: [Result]
  /// Where the time goes, if that was asked for.
  var perOp: StepReport?
  /// How long photos take before they are run, if photos are.
  var photos: PhotoInputs.Report?
  /// Which numbers of threads serve best, if that was asked for.
  var advice: ThreadAdvice?
  /// `true` iff it runs texts, not images.
  var readsTexts = false

  private enum Keys: String, CodingKey {
    case model, target, isa, library, flops, results, photos
    case advice = "recommended_threads"
    case perOp = "per_op"
  }

  /// Writes the report with the fields of the last result beside the others.
  func encode(to encoder: any Encoder) throws {
    try results.last?.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(model, forKey: .model)
    try container.encode(target, forKey: .target)
    try container.encode(isa, forKey: .isa)
    try container.encode(library, forKey: .library)
    try container.encode(flops, forKey: .flops)
    try container.encode(results, forKey: .results)
    try container.encodeIfPresent(advice, forKey: .advice)
    try container.encodeIfPresent(perOp, forKey: .perOp)
    try container.encodeIfPresent(photos, forKey: .photos)
  }

  /// The report for people.
  var text: String {
    let one = readsTexts ? "text" : "image"
    var table = TextTable([
      ("threads", .right), ("min ms", .right), ("median ms", .right), ("p99 ms", .right),
      ("\(one)s/s", .right), ("GFLOP/s", .right), ("of peak", .right), ("runs", .right),
    ])
    for result in results {
      table.add([
        String(result.threads), Format.fixed(result.minMs, 3), Format.fixed(result.medianMs, 3),
        Format.fixed(result.p99Ms, 3), Format.fixed(result.imagesPerSecond, 1),
        Format.fixed(result.gflops, 1), "\(Format.fixed(result.percentOfPeak, 1)) %",
        String(result.runs),
      ])
    }
    let work = Format.fixed(Double(flops) / 1e9, 3)
    let peaks = results.map { "\(Format.fixed($0.peakGflops, 0))" }.joined(separator: ", ")
    let batch = results.last?.batch ?? 1
    return "\(model), \(isa): \(work) GFLOP \(readsTexts ? "a" : "an") \(one), batch \(batch), "
      + "peak \(peaks) GFLOP/s\n"
      + table.text() + (advice?.text(readsTexts: readsTexts) ?? "") + (photos?.text ?? "")
      + (perOp?.text ?? "")
  }
}
