import Diagnostics

extension Graph: CustomStringConvertible {
  /// The complete text form; `GraphParser` is its inverse.
  ///
  ///     graph @mlp fused {
  ///       %x: f32[197,192] = input {shape = [197, 192]}
  ///       %w: f32[768,192] = weight {tensor = "fc1.weight", shape = [768, 192]}
  ///       %y: f32[197,768] = linear %x, %w
  ///       return %y as "tokens"
  ///     }
  public var description: String { text(annotations: [:]) }

  /// Returns the text form with comments after some nodes, by index: how errors are shown.
  ///
  /// The index -1 stands for the graph itself: its comments come after the first line.
  public func text(annotations: [Int: [String]]) -> String {
    var text = "graph @\(name) \(form.rawValue) {"
    for note in annotations[-1] ?? [] { text += "  // error: \(note)" }
    text += "\n"
    for (index, node) in nodes.enumerated() {
      text += "  " + line(node)
      for note in annotations[index] ?? [] { text += "  // error: \(note)" }
      text += "\n"
    }
    let results = outputs.map { "%\(self[$0.value].name) as \($0.name.quoted)" }
    if !results.isEmpty { text += "  return " + results.joined(separator: ", ") + "\n" }
    return text + "}\n"
  }

  private func line(_ node: Node) -> String {
    let results = node.results.map { result in
      "%\(result.name): \(result.type)" + (result.placement.map { " \($0)" } ?? "")
    }
    var text = "\(results.joined(separator: ", ")) = \(node.op.mnemonic)"
    if !node.operands.isEmpty {
      text += " " + node.operands.map { "%\(self[$0].name)" }.joined(separator: ", ")
    }
    let attributes = node.op.attributes
    if !attributes.isEmpty { text += " \(attributes)" }
    return text
  }
}

extension String {
  /// The text between double quotes, what may not occur there escaped; `Lexer` reads it back.
  var quoted: String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      // What would act on a terminal that the graph is printed on.
      case _ where PlainText.isUnsafe(scalar):
        result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
