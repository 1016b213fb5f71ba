/// Which of the numbers of threads that were measured, or predicted, serve best.
struct ThreadAdvice: Encodable, Hashable {
  /// The least whose latency is within 5 % of the best.
  let latency: Int
  /// That with the most images a second.
  let throughput: Int

  /// How much of the latency is worth saving further threads.
  private static let tolerance = 0.05

  /// - Parameter results: the time of a run, of as many images for all; `nil` where there are none.
  init?(_ results: [(threads: Int, time: Double)]) {
    let ascending = results.sorted { $0.threads < $1.threads }
    guard let best = ascending.min(by: { $0.time < $1.time }),
      let least = ascending.first(where: { $0.time <= best.time * (1 + Self.tolerance) })
    else { return nil }
    (latency, throughput) = (least.threads, best.threads)
  }

  /// The line for people.
  func text(readsTexts: Bool = false) -> String {
    "recommended: --threads \(latency) for latency, within 5 % of the best; "
      + "\(throughput) for the most \(readsTexts ? "texts" : "images") a second\n"
  }
}
