import Diagnostics
import IR

extension CodeGenerator {
  /// The number of threads beyond which an image hardly gets faster: the least whose predicted
  /// latency is within 5 % of the best there is.
  ///
  /// A step takes as long as the task with most of its parts. Parts have a limit (`Division`), each
  /// task makes its rows ready for itself, all wait for each other after each step, and threads
  /// that sleep must be woken. The number is one of the model, and of the size of its images, on
  /// any machine: it is computed with the speeds of one, which go into all numbers of threads
  /// alike.
  ///
  /// - Parameter graph: in the planned form.
  /// - Throws: whatever generating the code throws.
  public static func profitableThreads(of graph: Graph) throws(Diagnostic) -> Int {
    // Equal steps count once: a model has few kinds of them.
    var steps: [ThreadProfit.Step: Int] = [:]
    for node in CodeGenerator.steps(of: graph) {
      let call = try StepCall(node, in: graph, for: ThreadProfit.target)
      let step = ThreadProfit.Step(
        division: call.division(ThreadProfit.target),
        seconds: ThreadProfit.seconds(of: node, in: graph))
      steps[step, default: 0] += 1
    }
    return ThreadProfit(steps: steps.map { ($0.key, $0.value) }).threads
  }
}

/// The predicted latency of a model by the number of threads.
struct ThreadProfit {
  /// A kind of steps.
  struct Step: Hashable {
    var division: Division
    /// Of all parts on one thread, without what is made ready.
    var seconds: Double
  }

  /// Steps, and how many there are of each kind.
  let steps: [(step: Step, count: Int)]

  /// What parts are counted of; a few kernels divide by the length of vectors or tiles.
  static let target = Target.x86v3

  /// As many as a context may have (`Options.mostThreads` of the runtime).
  static let mostThreads = 1024
  /// How much of the latency is worth saving further threads.
  static let tolerance = 0.05

  // Measured on one core of a Zen 4 with AVX-512, by the processor's time of single tasks: nine
  // tenths of 117.8 GFLOP/s, twice that in bf16, four times in integers.
  private static let flopsPerSecond = 106e9
  /// To make a number of a row ready for products, ViT-B/16 in int8: 3.1 ms for 12.7 million.
  ///
  /// Steps that multiply no matrices take as long for each number that they read or write.
  private static let secondsPerNumber = 0.25e-9
  /// A meeting of two threads, as measured there, and of each more, which is assumed: one more that
  /// adds to a counter and polls a line (`BarrierCost` of `vitc bench`).
  private static let meeting = (ofTwo: 0.23e-6, perThread: 0.05e-6)
  /// To wake threads that sleep, 2 microseconds each: the time of one call of the kernel that wakes
  /// 8 to 64 of them, on a Zen 3 with Linux 6; the last then needs as long as a sleep takes to end.
  private static let waking = (once: 5e-6, perThread: 2e-6)

  /// Seconds of the products of a node on one thread.
  static func seconds(of node: Node, in graph: Graph) -> Double {
    guard let work = graph.facts(of: node).work, work.flops > 0 else {
      let read = node.operands.reduce(0) { $0 + graph[$1].type.count }
      return secondsPerNumber * Double(read + node.type.count)
    }
    let speed: Double =
      switch work.element {
      case .s8: 4
      case .bf16, .f16: 2
      case .f32, .i32: 1
      }
    return Double(work.flops) / (speed * flopsPerSecond)
  }

  /// The predicted latency in seconds.
  func latency(threads: Int) -> Double {
    let waiting =
      threads > 1 ? Self.meeting.ofTwo + Double(threads - 2) * Self.meeting.perThread : 0
    let waking = threads > 1 ? Self.waking.once + Double(threads - 1) * Self.waking.perThread : 0
    return steps.reduce(waking) { sum, kind in
      let (step, count) = kind
      let share = step.division.largestShare(tasks: threads)
      let prepared = Self.secondsPerNumber * Double(step.division.prepared)
      return sum + Double(count)
        * (share.work * step.seconds + share.prepared * prepared + waiting)
    }
  }

  /// The least number of threads whose latency is within the tolerance of the best.
  var threads: Int {
    let latencies = (1...Self.mostThreads).map { latency(threads: $0) }
    let limit = (latencies.min() ?? 0) * (1 + Self.tolerance)
    return 1 + (latencies.firstIndex { $0 <= limit } ?? 0)
  }
}
