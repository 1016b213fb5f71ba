import Diagnostics

/// Reads the text form of a graph; `Graph.description` is its inverse.
public struct GraphParser: Sendable {
  private let file: String
  private var tokens: [Token]
  private var index = 0

  /// Parses one graph; the checks of the verifier are not made.
  ///
  /// - Parameter file: a name for error messages.
  /// - Throws: the first error, with line and column.
  public static func parse(_ text: String, file: String = "<text>") throws(Diagnostic) -> Graph {
    var lexer = Lexer(text, file: file)
    var parser = GraphParser(file: file, tokens: try lexer.tokens())
    return try parser.graph()
  }

  private init(file: String, tokens: [Token]) {
    self.file = file
    self.tokens = tokens
  }

  private mutating func graph() throws(Diagnostic) -> Graph {
    try expect("graph")
    let name = try take(.symbol, "a graph's name, such as @vit")
    let formToken = try take(.word, "a form")
    guard let form = Form(rawValue: formToken.text) else {
      let known = Form.allCases.map(\.rawValue)
      throw error(
        "unknown form '\(formToken.text)', expected one of \(known.joined(separator: ", "))",
        at: formToken)
    }
    try expect("{")
    var builder = GraphBuilder(name: name.text, form: form)
    var values: [String: Value] = [:]
    while peek.kind == .value { try node(&builder, &values) }
    if accept("return") { try results(&builder, values) }
    try expect("}")
    guard peek.kind == .end else {
      throw error("expected the end of the text, found \(shown(peek))", at: peek)
    }
    return builder.graph
  }

  private mutating func node(
    _ builder: inout GraphBuilder, _ values: inout [String: Value]
  ) throws(Diagnostic) {
    var results: [Result] = []
    var names: Set<String> = []
    repeat {
      let result = try self.result()
      guard values[result.name.text] == nil, names.insert(result.name.text).inserted else {
        throw error("%\(result.name.text) is defined twice", at: result.name)
      }
      results.append(result)
    } while accept(",")
    try expect("=")
    let mnemonic = try take(.word, "an operation")
    var operands: [Value] = []
    if peek.kind == .value {
      repeat {
        let operand = try take(.value, "an operand")
        guard let value = values[operand.text] else {
          throw error(
            "%\(operand.text) is not defined before this line", at: operand,
            hint: Suggestion.hint(for: operand.text, in: Array(values.keys)))
        }
        operands.append(value)
      } while accept(",")
    }
    let attributes = try self.attributes()
    do throws(Diagnostic) {
      let op = try Op.named(mnemonic.text, attributes)
      let made = 1 + op.furtherResults.count
      guard results.count == made else {
        throw error(
          "'\(mnemonic.text)' makes \(made) value\(made == 1 ? "" : "s") with these attributes, "
            + "found \(results.count) name\(results.count == 1 ? "" : "s")", at: mnemonic)
      }
      let defined = try builder.append(
        op, operands, names: results.map(\.name.text), placements: results.map(\.placement))
      for (value, result) in zip(defined, results) {
        values[result.name.text] = value
        guard builder.type(value) == result.type else {
          throw error(
            "%\(result.name.text) is said to be \(result.type) and is \(builder.type(value))",
            at: result.typeToken)
        }
      }
    } catch {
      if case .text = error.location { throw error }
      throw self.error(error.message, at: mnemonic, hint: error.hint)
    }
  }

  /// One value on the left of a line.
  private struct Result {
    var name: Token
    var type: TensorType
    var typeToken: Token
    var placement: Placement?
  }

  private mutating func result() throws(Diagnostic) -> Result {
    let name = try take(.value, "a value")
    try expect(":")
    let typeToken = peek
    let type = try self.type()
    let placement = peek.kind == .symbol ? try self.placement() : nil
    return Result(name: name, type: type, typeToken: typeToken, placement: placement)
  }

  private mutating func results(
    _ builder: inout GraphBuilder, _ values: [String: Value]
  ) throws(Diagnostic) {
    repeat {
      let name = try take(.value, "a result")
      guard let value = values[name.text] else {
        throw error("%\(name.text) is not defined", at: name)
      }
      try expect("as")
      builder.addOutput(try take(.string, "a name in quotes").text, value)
    } while accept(",")
  }

  private mutating func type() throws(Diagnostic) -> TensorType {
    let word = try take(.word, "a type, such as f32[2,3]")
    guard let element = ElementType(rawValue: word.text) else {
      throw error("unknown element type '\(word.text)'", at: word)
    }
    let start = peek
    let type = TensorType(element, try integers())
    guard type.isAllowed else {
      throw error(
        "the type \(type) is empty or too big, expected extents of at least 1 and at most "
          + "\(TensorType.maximumCount) elements", at: start)
    }
    return type
  }

  private mutating func integers() throws(Diagnostic) -> [Int] {
    try expect("[")
    var list: [Int] = []
    while peek.kind == .number {
      list.append(try integer())
      if !accept(",") { break }
    }
    try expect("]")
    return list
  }

  private mutating func integer() throws(Diagnostic) -> Int {
    let number = try take(.number, "an integer")
    guard let value = Int(number.text) else {
      try rejectHugeInteger(number)
      throw error("'\(number.text)' is not an integer", at: number)
    }
    return value
  }

  /// Throws where a number is an integer and not an `Int`.
  private func rejectHugeInteger(_ number: Token) throws(Diagnostic) {
    let digits = number.text.drop { $0 == "-" }
    if !digits.isEmpty, digits.allSatisfy(\.isNumber) {
      throw error("'\(number.text)' does not fit in 64 bits", at: number)
    }
  }

  private mutating func placement() throws(Diagnostic) -> Placement {
    let word = try take(.symbol, "a placement")
    let space: Placement.Space
    switch word.text {
    case "weights": space = .weights
    case "arena": space = .arena
    case "image": space = .image
    default:
      guard word.text.hasPrefix("output"), let number = Int(word.text.dropFirst(6)), number >= 0
      else { throw error("unknown memory '\(word.text)'", at: word) }
      space = .output(number)
    }
    try expect("+")
    let offset = try integer()
    try expect(":")
    return Placement(space, offsetBytes: offset, rowStride: try integer())
  }

  private mutating func attributes() throws(Diagnostic) -> Attributes {
    var attributes = Attributes()
    guard accept("{") else { return attributes }
    repeat {
      let name = try take(.word, "an attribute's name")
      guard attributes.value(name.text) == nil else {
        throw error("attribute '\(name.text)' is given twice", at: name)
      }
      try expect("=")
      attributes.set(name.text, try attributeValue())
    } while accept(",")
    try expect("}")
    return attributes
  }

  private mutating func attributeValue() throws(Diagnostic) -> Attributes.Value {
    switch peek.kind {
    case .string: return .text(try take(.string, "a text").text)
    case .punctuation where peek.text == "[": return .integers(try integers())
    case .number:
      let number = try take(.number, "a number")
      if let value = Int(number.text) { return .integer(value) }
      try rejectHugeInteger(number)
      guard let value = Float(number.text), value.isFinite else {
        throw error("'\(number.text)' is not a finite number", at: number)
      }
      return .number(value)
    case .word:
      let word = try take(.word, "a value")
      guard word.text == "true" || word.text == "false" else {
        throw error("expected an attribute's value, found '\(word.text)'", at: word)
      }
      return .boolean(word.text == "true")
    case .value, .symbol, .punctuation, .end:
      throw error("expected an attribute's value, found \(shown(peek))", at: peek)
    }
  }

  private var peek: Token { tokens[index] }

  private mutating func advance() -> Token {
    let token = tokens[index]
    if index + 1 < tokens.count { index += 1 }
    return token
  }

  private mutating func take(_ kind: Token.Kind, _ what: String) throws(Diagnostic) -> Token {
    guard peek.kind == kind else {
      throw error("expected \(what), found \(shown(peek))", at: peek)
    }
    return advance()
  }

  private mutating func accept(_ text: String) -> Bool {
    guard peek.text == text, peek.kind == .punctuation || peek.kind == .word else { return false }
    _ = advance()
    return true
  }

  private mutating func expect(_ text: String) throws(Diagnostic) {
    guard accept(text) else {
      throw error("expected '\(text)', found \(shown(peek))", at: peek)
    }
  }

  private func shown(_ token: Token) -> String {
    switch token.kind {
    case .end: "the end of the text"
    case .value: "'%\(token.text)'"
    case .symbol: "'@\(token.text)'"
    case .string: token.text.quoted
    case .word, .number, .punctuation: "'\(token.text)'"
    }
  }

  private func error(_ message: String, at token: Token, hint: String? = nil) -> Diagnostic {
    Diagnostic(
      message, at: .text(file: file, line: token.line, column: token.column), hint: hint)
  }
}
