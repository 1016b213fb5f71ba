import JSON

/// Where the time of one image goes.
struct StepReport: Encodable {
  /// One step, or several of the same kind.
  struct Entry: Encodable {
    /// The operation's name; digits between points are `*` for a kind.
    var name: String
    /// What it does, such as `fused_linear`.
    var op: String
    /// How many there are.
    var count: Int
    var ms: Double
    var flops: Int
    var gflops: Double
    var percentOfPeak: Double

    enum CodingKeys: String, CodingKey {
      case name, op, count, ms, flops, gflops
      case percentOfPeak = "percent_of_peak"
    }

    init(name: String, op: String, count: Int, ms: Double, flops: Int, peakGflops: Double) {
      self.name = name
      self.op = op
      self.count = count
      self.ms = ms
      self.flops = flops
      gflops = ms > 0 ? Double(flops) / ms / 1e6 : 0
      percentOfPeak = peakGflops > 0 ? 100 * gflops / peakGflops : 0
    }
  }

  let threads: Int
  /// What this number of threads could do at most.
  let peakGflops: Double
  /// Every step, in order.
  let steps: [Entry]
  /// Steps of the same kind in all blocks, in the order of their first.
  let kinds: [Entry]

  enum CodingKeys: String, CodingKey {
    case threads, kinds
    case steps = "steps"
    case peakGflops = "peak_gflops"
  }

  /// Puts names to times; a library without names gets numbers.
  ///
  /// - Parameters:
  ///   - described: The member `steps` of the library's own description.
  ///   - seconds: Of each step.
  ///   - peak: FLOP/s at most.
  init(described: [JSONValue], seconds: [Double], threads: Int, peak: Double) {
    self.threads = threads
    let peakGflops = peak / 1e9
    self.peakGflops = peakGflops
    steps = seconds.enumerated().map { index, time in
      let step = index < described.count ? described[index] : .null
      var flops = 0
      if case .integer(let value) = step["flops"] { flops = value }
      return Entry(
        name: step["name"]?.string ?? "step \(index)", op: step["op"]?.string ?? "",
        count: 1, ms: time * 1e3, flops: flops, peakGflops: peakGflops)
    }
    var kinds: [Entry] = []
    for step in steps {
      let name = Self.kind(step.name)
      if let index = kinds.firstIndex(where: { $0.name == name && $0.op == step.op }) {
        let kind = kinds[index]
        kinds[index] = Entry(
          name: name, op: step.op, count: kind.count + 1, ms: kind.ms + step.ms,
          flops: kind.flops + step.flops, peakGflops: peakGflops)
      } else {
        var kind = step
        kind.name = name
        kinds.append(kind)
      }
    }
    self.kinds = kinds
  }

  /// `blocks.3.attn.qkv` is a `blocks.*.attn.qkv`.
  static func kind(_ name: String) -> String {
    name.split(separator: ".", omittingEmptySubsequences: false)
      .map { !$0.isEmpty && $0.allSatisfy(\.isNumber) ? "*" : String($0) }
      .joined(separator: ".")
  }

  /// The report for people: every step, then the kinds and their sum.
  var text: String {
    let total = steps.reduce(0) { $0 + $1.ms }
    let flops = steps.reduce(0) { $0 + $1.flops }
    func table(_ entries: [Entry], _ heading: String) -> String {
      var table = TextTable([
        (heading, .left), ("op", .left), ("count", .right), ("ms", .right), ("of time", .right),
        ("GFLOP/s", .right), ("of peak", .right),
      ])
      for entry in entries {
        table.add([
          entry.name, entry.op, String(entry.count), Format.fixed(entry.ms, 3),
          "\(Format.fixed(total > 0 ? 100 * entry.ms / total : 0, 1)) %",
          entry.flops > 0 ? Format.fixed(entry.gflops, 1) : "",
          entry.flops > 0 ? "\(Format.fixed(entry.percentOfPeak, 1)) %" : "",
        ])
      }
      return table.text()
    }
    let all = Entry(
      name: "all", op: "", count: steps.count, ms: total, flops: flops, peakGflops: peakGflops)
    return "\nsteps of one image, \(threads) \(threads == 1 ? "thread" : "threads"), "
      + "processor time of the longest task\n" + table(steps, "step") + "\n"
      + table(kinds + [all], "kind of step")
  }
}
