import Diagnostics
import Testing
@testable import IR

@testable import IR

/// The rules that no text can break, because the parser sees to them; the others are filetests.
@Suite struct VerifierTests {
  private static func node(
    _ name: String, _ op: Op, _ operands: [Int] = [], _ type: TensorType = .f32(2)
  ) -> Node {
    Node(op, operands.map { Value($0) }, results: [Node.Result(name: name, type: type)])
  }

  private static let input = Op.input(Input(type: .f32(2)))

  private static func violations(_ name: String = "g", _ nodes: Node...) -> [String] {
    var graph = Graph(name: name, form: .imported)
    graph.nodes = nodes
    graph.outputs = [Graph.Output(name: "y", value: Value(nodes.count - 1))]
    return Verifier.violations(of: graph).map { "\($0.node): \($0.message)" }
  }

  @Test func `G1: a name is taken`() {
    let found = Self.violations("g", Self.node("x", Self.input), Self.node("x", Self.input))
    #expect(found == ["1: [G1] the name is taken"])
  }

  @Test func `G1: names can be written`() {
    #expect(
      Self.violations("a b", Self.node("x/y", Self.input), Self.node("", Self.input)) == [
        "-1: [G1] the name \"a b\" cannot be written",
        "0: [G1] the name \"x/y\" cannot be written",
        "1: [G1] the name \"\" cannot be written",
      ])
  }

  @Test func `G2: an operand comes after its user`() {
    let found = Self.violations(
      "g", Self.node("y", .softmax(Softmax()), [1]), Self.node("x", Self.input))
    #expect(found == ["0: [G2] an operand comes after its user"])
  }

  @Test func `G2: nothing is its own operand`() {
    let found = Self.violations("g", Self.node("y", .softmax(Softmax()), [0]))
    #expect(found == ["0: [G2] an operand comes after its user"])
  }

  @Test func `G3: a type is another than inferred`() {
    let found = Self.violations("g", Self.node("x", Self.input, [], .f32(3)))
    #expect(found == ["0: [G3] the type is f32[3], expected f32[2]"])
  }

  @Test func `an input of bytes could not be read back`() {
    let type = TensorType(.s8, [2])
    let found = Self.violations("g", Self.node("x", .input(Input(type: type)), [], type))
    #expect(found == ["0: [input C1] expected f32 or i32 elements, found s8[2]"])
  }

  @Test func `a number that is not finite could not be read back`() {
    let found = Self.violations(
      "g", Self.node("x", Self.input), Self.node("y", .scale(Scale(.nan)), [0]))
    #expect(found == ["1: [scale] attribute 'factor' is not a finite number"])
  }

  @Test func `the thrown error shows every violation after its line`() throws {
    let text = """
      graph @g fused {
        %x: f32[2,1,1] = input {shape = [2, 1, 1]}
        %y: f32[1,2] = merge_heads %x
        return %y as "y", %x as "y"
      }

      """
    let graph = try GraphParser.parse(text)
    let error = #expect(throws: Diagnostic.self) { try Verifier.verify(graph) }
    #expect(
      error?.description == """
        %y: error: graph @g breaks 2 rules of the form 'fused': [G4] 'merge_heads' is not allowed \
        in the form 'fused'
          note: each error comes after its line:
        graph @g fused {
          %x: f32[2,1,1] = input {shape = [2, 1, 1]}  // error: [G5] two results are named 'y'
          %y: f32[1,2] = merge_heads %x  // error: [G4] 'merge_heads' is not allowed in the form \
        'fused'
          return %y as "y", %x as "y"
        }
        """)
  }
}
