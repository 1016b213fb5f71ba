import Diagnostics
import IR

/// What passes share while a pipeline runs: the count of rewrites and its limit.
///
/// A limit bisects a miscompilation: the pipeline with a limit of `n` does the first `n` optional
/// rewrites only. Rewrites that the next form needs are counted but never left out.
public struct PassContext: Sendable {
  /// How many rewrites may be done in all.
  public let limit: Int
  /// How many were done so far.
  public private(set) var rewrites = 0

  /// Creates a context.
  public init(limit: Int = .max) { self.limit = limit }

  /// How many optional rewrites may still be done.
  public var remaining: Int { max(0, limit - rewrites) }

  /// Records rewrites.
  public mutating func count(_ done: Int) { rewrites += done }

  /// Returns the first of `sites` that the limit allows, and records them as rewritten.
  mutating func take<Site>(_ sites: [Site]) -> ArraySlice<Site> {
    let taken = sites.prefix(remaining)
    count(taken.count)
    return taken
  }
}

extension Graph {
  /// Returns this graph rewritten under `rule`, within the limit of `context`, which counts.
  ///
  /// - Parameters:
  ///   - required: the rewrites are needed by the next form, and the limit does not hold.
  ///   - repeated: the rule is applied until it finds nothing more.
  /// - Throws: what the rule throws, and violated constraints.
  func rewriting(
    _ context: inout PassContext, form: Form? = nil, required: Bool = false,
    repeated: Bool = false,
    _ rule: (Node, inout GraphRewriter) throws(Diagnostic) -> Value?
  ) throws(Diagnostic) -> Graph {
    var graph = self
    while true {
      let limit = required ? Int.max : context.remaining
      let (next, rewrites) = try graph.rewriting(form: form, limit: limit, rule)
      context.count(rewrites)
      graph = next
      if !repeated || rewrites == 0 { return graph }
    }
  }
}
