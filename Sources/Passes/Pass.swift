import Diagnostics
import IR

/// A transformation of graphs: a value with a name, the form it takes and the form it makes.
///
/// Each is a static member in a file of its own, whose doc comment shows the text before and after,
/// the identity that it rests on, and when it declines. Running a pass twice gives the same graph
/// as running it once.
public struct Pass: Sendable {
  /// What it does to a graph.
  public typealias Transform =
    @Sendable (Graph, inout PassContext) throws(Diagnostic) -> Graph

  /// Its name on the command line, such as `fold-norm`.
  public let name: String
  /// One line for lists: what it does.
  public let summary: String
  /// The form that it takes.
  public let input: Form
  /// The form that it makes.
  public let output: Form
  /// The precisions that ask for it; empty: it is in every pipeline, and keeps results as they
  /// are but for the rounding of sums.
  public var precisions: Set<Precision> = []
  /// The option that asks for it besides; `nil`: it needs none.
  public var option: String?
  /// Returns the transformed graph.
  public let transform: Transform

  /// Creates a pass that stays within one form.
  public init(
    _ name: String, _ summary: String, _ form: Form, _ transform: @escaping Transform
  ) {
    self.init(name, summary, from: form, to: form, transform)
  }

  /// Creates a pass that leads from one form to another.
  public init(
    _ name: String, _ summary: String, from input: Form, to output: Form,
    _ transform: @escaping Transform
  ) {
    self.name = name
    self.summary = summary
    self.input = input
    self.output = output
    self.transform = transform
  }
}
