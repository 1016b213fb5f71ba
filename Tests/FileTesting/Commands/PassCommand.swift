import Evaluation
import IR
import Passes

/// `pass A,B`: runs passes.
///
/// The whole resulting graph is expected, or `unchanged`, or the error's message after
/// `// expect error: `. The result is verified, each pass within one form must leave its own result
/// alone, and the values on seeded inputs and weights must be those of the graph.
package struct PassCommand: FileTestCommand {
  private let passes: [Pass]

  package init(arguments: [String]) throws {
    guard arguments.count == 1 else { throw Failure("'pass' takes names with commas between") }
    passes = try arguments[0].split(separator: ",").map { try Pipeline.pass(named: String($0)) }
  }

  package func observe(_ section: FileTest.Section) throws -> [String] {
    let graph = try section.graph()
    var result = graph
    for pass in passes {
      do {
        result = try PassManager([pass]).run(result).graph
      } catch {
        return section.expecting(["// expect error: \(error.message)"])
      }
      guard pass.input == pass.output else { continue }
      let again = try PassManager([pass]).run(result).graph
      guard again == result else {
        throw Failure("'\(pass.name)' changes its own result:\n\(again)")
      }
    }
    let printed = result.description
    guard try FileTest.checked(printed) == result else {
      throw Failure("printed and parsed, the result is another graph")
    }
    // Passes that lower the precision round operands, to 2^-9 of themselves or of their row.
    let names = passes.map(\.name)
    let tolerance: Float =
      names.contains(Pass.useInt8.name)
      ? 0.1
      : names.contains(Pass.useBF16.name) || names.contains(Pass.useInt8Attention.name)
        ? 3e-2 : 1e-5
    try Self.requireEqualResults(graph, result, tolerance)
    if result == graph { return section.expecting(["// expect: unchanged"]) }
    let lines = printed.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
    return section.expecting(["// expect:"] + lines.map(String.init))
  }

  /// Throws unless both graphs compute the same from seeded inputs and weights, but for rounding.
  private static func requireEqualResults(
    _ a: Graph, _ b: Graph, _ tolerance: Float
  ) throws {
    let (expected, found) = try (SeededRun(a).results(), SeededRun(b).results())
    for (name, tensor) in expected {
      // 1e-5: the rounding of a few dozen sums in f32 (2^-24 each).
      guard let other = found[name], tensor.shape == other.shape,
        EvaluateCommand.agree(other.values, tensor.values, tolerance)
      else { throw Failure("result '\(name)' changed from \(tensor) to \(found[name] as Any)") }
    }
  }
}
