import Diagnostics
import IR
import Testing

@Suite struct GraphTests {
  private static let text = """
    graph @g imported {
      %x: f32[2] = input {shape = [2]}
      %w: f32[2] = weight {tensor = "w", shape = [2]}
      %s: f32[2] = scale %w {factor = 2.0}
      %a: f32[2] = add %x, %s
      %b: f32[2] = add %a, %a
      %unused: f32[2] = softmax %b
      return %b as "y"
    }

    """

  @Test func `users count each use, and constants are functions of weights`() throws {
    let graph = try GraphParser.parse(Self.text)
    #expect(
      graph.values.map { graph.users()[$0].map(\.index) } == [[3], [2], [3], [4, 4], [5], []])
    #expect(graph.constants() == [false, true, true, false, false, false])
    #expect(graph.value(named: "a")?.index == 3)
    #expect(graph.value(named: "c") == nil)
  }

  @Test func `a taken name gets a number`() throws {
    var builder = GraphBuilder(name: "g", form: .imported)
    for expected in ["x", "x_1", "x_2"] {
      let value = try builder.append(.fill(Fill(0, shape: [1])), name: "x")
      #expect(builder[value].name == expected)
    }
    #expect(builder.isTaken("x_2"))
    #expect(!builder.isTaken("x_3"))
  }

  @Test func `a violated constraint is located at the node`() {
    var builder = GraphBuilder(name: "g", form: .imported)
    let error = #expect(throws: Diagnostic.self) {
      let x = try builder.append(.fill(Fill(0, shape: [2])), name: "x")
      _ = try builder.append(.transpose(Transpose()), [x], name: "y")
    }
    #expect(
      error?.description
        == "%y: error: [transpose C1] x: expected f32 of rank 2, found f32[2]")
  }

  @Test func `what no result needs is removed, but for inputs`() throws {
    let text = """
      graph @g imported {
        %x: f32[2] = input {shape = [2]}
        %w: f32[2] = weight {tensor = "w", shape = [2]}
        %y: f32[2] = softmax %w
        %z: f32[2] = add %x, %y
        return %w as "w"
      }

      """
    #expect(
      try GraphParser.parse(text).removingDeadNodes().description == """
        graph @g imported {
          %x: f32[2] = input {shape = [2]}
          %w: f32[2] = weight {tensor = "w", shape = [2]}
          return %w as "w"
        }

        """)
  }

  @Test func `rewrites are counted and stop at the limit`() throws {
    let graph = try GraphParser.parse(Self.text)
    for limit in 0...3 {
      let (result, rewrites) = try graph.rewriting(limit: limit) {
        (node, rewriter) throws(Diagnostic) -> Value? in
        guard case .add = node.op else { return nil }
        let operands = rewriter[node.operands]
        return try rewriter.append(.multiply(Multiply()), operands, name: node.name)
      }
      #expect(rewrites == min(limit, 2))
      #expect(result.nodes.filter { $0.op.mnemonic == "multiply" }.count == rewrites)
      try Verifier.verify(result)
    }
  }
}
