import Diagnostics
import IR

/// Runs passes in order, verifies after each, and reports what they did.
public struct PassManager {
  /// Passes by name.
  public enum Selection: Hashable, Sendable {
    /// Every pass.
    case all
    /// Those of these names.
    case named(Set<String>)

    /// `true` iff the pass is one of them.
    public func contains(_ pass: Pass) -> Bool {
      switch self {
      case .all: true
      case .named(let names): names.contains(pass.name)
      }
    }
  }

  /// What a caller may want besides the result.
  public struct Options {
    /// Before which passes `dumpBefore` is called.
    public var printBefore: Selection
    /// After which passes `dump` is called, if they changed the graph.
    public var printAfter: Selection
    /// The name of the last pass to run; `nil`: run all.
    public var stopAfter: String?
    /// How many optional rewrites may be done in all; see `PassContext`.
    public var rewriteLimit: Int
    /// Receives the graphs that `printBefore` asks for.
    public var dumpBefore: (Pass, Graph) -> Void = { _, _ in }
    /// Receives the graphs that `printAfter` asks for.
    public var dump: (Pass, Graph) -> Void

    /// Creates options; the default prints nothing and runs everything.
    public init(
      printBefore: Selection = .named([]), printAfter: Selection = .named([]),
      stopAfter: String? = nil, rewriteLimit: Int = .max,
      dump: @escaping (Pass, Graph) -> Void = { _, _ in }
    ) {
      self.printBefore = printBefore
      self.printAfter = printAfter
      self.stopAfter = stopAfter
      self.rewriteLimit = rewriteLimit
      self.dump = dump
    }
  }

  /// What one pass did.
  public struct Record: Sendable {
    /// The name of the pass.
    public let name: String
    /// The time it took, verification included, in seconds.
    public let seconds: Double
    /// How many rewrites it did.
    public let rewrites: Int
    /// The number of nodes before it.
    public let nodesBefore: Int
    /// The number of nodes after it.
    public let nodesAfter: Int
    /// `true` iff the graph after it differs from that before.
    public let changed: Bool
  }

  /// What a run of passes did.
  public struct Report: Sendable {
    /// One entry for each pass that ran, in order.
    public internal(set) var records: [Record] = []
    /// All rewrites together.
    public var rewrites: Int { records.reduce(0) { $0 + $1.rewrites } }
    /// The time of all passes together, in seconds.
    public var seconds: Double { records.reduce(0) { $0 + $1.seconds } }
  }

  /// The passes, in order.
  public let passes: [Pass]

  /// Creates a manager.
  public init(_ passes: [Pass] = Pipeline.standard) { self.passes = passes }

  /// Runs the passes on `graph`.
  ///
  /// - Throws: an unknown pass in the options, a graph that is not of the form that a pass takes,
  ///   what a pass throws, and a graph that fails verification after a pass (a bug in vitc).
  public func run(
    _ graph: Graph, _ options: Options = Options()
  ) throws(Diagnostic) -> (graph: Graph, report: Report) {
    try checkNames(options)
    try Verifier.verify(graph)
    var graph = graph
    var context = PassContext(limit: options.rewriteLimit)
    var report = Report()
    for pass in passes {
      guard graph.form == pass.input else {
        throw Diagnostic(
          "pass '\(pass.name)' takes the form '\(pass.input.rawValue)', "
            + "found '\(graph.form.rawValue)'")
      }
      if options.printBefore.contains(pass) { options.dumpBefore(pass, graph) }
      let rewritesBefore = context.rewrites
      let clock = ContinuousClock()
      let start = clock.now
      let next = try pass.transform(graph, &context)
      try PassManager.verify(next, after: pass)
      let duration = (clock.now - start).components
      let changed = next != graph
      report.records.append(
        Record(
          name: pass.name,
          seconds: Double(duration.seconds) + Double(duration.attoseconds) * 1e-18,
          rewrites: context.rewrites - rewritesBefore, nodesBefore: graph.nodes.count,
          nodesAfter: next.nodes.count, changed: changed))
      graph = next
      if changed, options.printAfter.contains(pass) { options.dump(pass, graph) }
      if pass.name == options.stopAfter { break }
    }
    return (graph, report)
  }

  private func checkNames(_ options: Options) throws(Diagnostic) {
    var names = options.stopAfter.map { [$0] } ?? []
    for case .named(let wanted) in [options.printBefore, options.printAfter] {
      names += wanted.sorted()
    }
    let known = passes.map(\.name)
    for name in names where !known.contains(name) {
      throw Diagnostic("unknown pass '\(name)'", hint: Suggestion.hint(for: name, in: known))
    }
  }

  private static func verify(_ graph: Graph, after pass: Pass) throws(Diagnostic) {
    do throws(Diagnostic) {
      guard graph.form == pass.output else {
        throw Diagnostic("the form is '\(graph.form.rawValue)', not '\(pass.output.rawValue)'")
      }
      try Verifier.verify(graph)
    } catch {
      throw Diagnostic(
        "pass '\(pass.name)' made an invalid graph: \(error.message)", at: error.location,
        notes: error.notes,
        hint: "this is a bug in vitc; --stop-after with the pass before it shows what it was given")
    }
  }
}
