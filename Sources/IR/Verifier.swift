import Diagnostics

/// Holds a graph to the promises of its form.
///
/// Every form:
/// - G1: names are unique and can be written: letters, digits, `_` and `.`.
/// - G2: operands come before their users.
/// - G3: every type is what the operation infers.
/// - G4: every operation may be in the form.
/// - G5: there is a result, and results have distinct names.
///
/// Form `planned`:
/// - G6: exactly these are placed: first results of nodes computed at run time, their other results
///   where something reads or returns them, and constants that these nodes read.
/// - G7: inputs lie in the image, constants in the weights, everything else in the arena or in its
///   output; a view lies where its operand says; operands of a concatenation lie inside it.
/// - G8: nothing is overwritten that is still to be read.
public enum Verifier {
  /// Returns every violation, as node index and message; empty iff the graph keeps its promises.
  ///
  /// The index -1 stands for the graph itself.
  public static func violations(of graph: Graph) -> [(node: Int, message: String)] {
    var found = structure(graph)
    if graph.form == .planned, found.isEmpty { found = PlacementVerifier(graph).violations() }
    return found
  }

  /// Checks a graph.
  ///
  /// - Throws: all violations in one diagnostic, with the graph and each error after its line.
  public static func verify(_ graph: Graph) throws(Diagnostic) {
    let found = violations(of: graph)
    guard let first = found.first else { return }
    let byNode = Dictionary(grouping: found, by: \.node).mapValues { $0.map(\.message) }
    throw Diagnostic(
      "graph @\(graph.name) breaks \(found.count) rule\(found.count == 1 ? "" : "s") of the form "
        + "'\(graph.form.rawValue)': \(first.message)",
      at: graph.nodes.indices.contains(first.node) ? .node(graph.nodes[first.node].name) : nil,
      notes: ["each error comes after its line:"],
      listing: graph.text(annotations: byNode).split(separator: "\n").map(String.init))
  }

  private static func structure(_ graph: Graph) -> [(node: Int, message: String)] {
    var found: [(node: Int, message: String)] = []
    var names: Set<String> = []
    if !Lexer.isName(graph.name) {
      found.append((-1, "[G1] the name \(graph.name.quoted) cannot be written"))
    }
    for (index, node) in graph.nodes.enumerated() {
      for (number, result) in node.results.enumerated() {
        if !Lexer.isName(result.name) {
          found.append((index, "[G1] the name \(result.name.quoted) cannot be written"))
        }
        if !names.insert(result.name).inserted {
          let taken = number == 0 ? "the name" : "the name \(result.name.quoted)"
          found.append((index, "[G1] \(taken) is taken"))
        }
      }
      let isBefore = { (operand: Value) in
        operand.index < index && operand.result < graph.nodes[operand.index].results.count
      }
      guard node.operands.allSatisfy(isBefore) else {
        found.append((index, "[G2] an operand comes after its user"))
        continue
      }
      do throws(Diagnostic) {
        let inferred = try node.op.resultTypes(of: node.operands.map { graph[$0].type })
        if inferred.count != node.results.count {
          let message = "[G3] makes \(inferred.count) values, found \(node.results.count)"
          found.append((index, message))
        }
        for (type, result) in zip(inferred, node.results) where type != result.type {
          found.append((index, "[G3] the type is \(result.type), expected \(type)"))
        }
      } catch {
        found.append((index, error.message))
      }
      if !node.op.isAllowed(in: graph.form) {
        let message =
          "[G4] '\(node.op.mnemonic)' is not allowed in the form '\(graph.form.rawValue)'"
        found.append((index, message))
      }
    }
    if graph.outputs.isEmpty {
      found.append((-1, "[G5] the graph has no result"))
    }
    for (index, output) in graph.outputs.enumerated()
    where graph.outputs[..<index].contains(where: { $0.name == output.name }) {
      found.append((output.value.index, "[G5] two results are named '\(output.name)'"))
    }
    return found
  }
}
