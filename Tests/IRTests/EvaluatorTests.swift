import Diagnostics
import Evaluation
import Testing
@testable import IR

@testable import IR

@Suite struct EvaluatorTests {
  private static let text = """
    graph @g imported {
      %x: f32[2] = input {shape = [2]}
      %w: f32[2] = weight {tensor = "w", shape = [2]}
      %unused: f32[3] = weight {tensor = "unused", shape = [3]}
      %y: f32[2] = multiply %x, %w
      return %y as "y"
    }

    """

  private static func evaluator(_ weights: [String: Tensor]) throws -> (Graph, Evaluator) {
    let graph = try GraphParser.parse(text)
    let evaluator = Evaluator(graph) { name throws(Diagnostic) in
      guard let tensor = weights[name] else { throw Diagnostic("no tensor '\(name)'") }
      return tensor
    }
    return (graph, evaluator)
  }

  private static let two = Tensor(shape: [2], values: [2, 3])

  private static func message(_ body: () throws -> Void) -> String? {
    #expect(throws: Diagnostic.self, performing: body)?.description
  }

  @Test func `what no result depends on is not read`() throws {
    let (_, evaluator) = try Self.evaluator(["w": Self.two])
    #expect(try evaluator.results(["x": Self.two])["y"]?.values == [4, 9])
  }

  @Test func `a missing input is named`() throws {
    let (_, evaluator) = try Self.evaluator(["w": Self.two])
    #expect(
      Self.message { _ = try evaluator.results([String: Tensor]()) }
        == "%x: error: no value was given for the input")
  }

  @Test func `an input of another shape is refused`() throws {
    let (_, evaluator) = try Self.evaluator(["w": Self.two])
    let message = Self.message {
      _ = try evaluator.results(["x": Tensor(shape: [1, 2], repeating: 0)])
    }
    #expect(message == "%x: error: the input is f32[1,2], expected f32[2]")
  }

  @Test func `a weight of another shape is refused`() throws {
    let (graph, evaluator) = try Self.evaluator(["w": Tensor(shape: [3])])
    let message = Self.message { _ = try evaluator.constant(graph.values[1]) }
    #expect(message == "%w: error: tensor 'w' is f32[3], expected f32[2]")
  }

  @Test func `a value of an input is not a constant`() throws {
    let (graph, evaluator) = try Self.evaluator(["w": Self.two])
    let message = Self.message { _ = try evaluator.constant(graph.values[3]) }
    #expect(message == "%x: error: the value depends on an input")
  }

  @Test func `constants that share an operand compute it once`() throws {
    let text = """
      graph @g imported {
        %w: f32[2] = weight {tensor = "w", shape = [2]}
        %a: f32[2] = scale %w {factor = 2}
        %b: f32[2] = add %a, %w
        return %b as "b"
      }

      """
    let graph = try GraphParser.parse(text)
    var reads = 0
    let evaluator = Evaluator(graph) { _ throws(Diagnostic) in
      reads += 1
      return Self.two
    }
    var results: [Value: [[Float]]] = [:]
    let (a, b) = (graph.values[1], graph.values[2])
    try evaluator.constants([b, a, b]) { value, tensor in
      results[value, default: []].append(tensor.values)
    }
    #expect(results == [a: [[4, 6]], b: [[6, 9], [6, 9]]])
    #expect(reads == 1)
  }

  @Test func `convolutions through OpenBLAS are those of the reference`() throws {
    let text = """
      graph @g imported {
        %x: f32[30,4] = input {shape = [30, 4]}
        %w: f32[7,4,3,2] = weight {tensor = "w", shape = [7, 4, 3, 2]}
        %b: f32[7] = weight {tensor = "b", shape = [7]}
        %y: f32[9,7] = conv2d %x, %w, %b {width = 6, stride = 2, padding = [1, 1, 2, 0]}
        return %y as "y"
      }

      """
    let graph = try GraphParser.parse(text)
    func values(_ shape: [Int], _ factor: Float) -> Tensor {
      let count = shape.reduce(1, *)
      return Tensor(shape: shape, values: (0..<count).map { Float($0 * 7 % 11) * factor - 0.5 })
    }
    let (x, w, b) = (values([30, 4], 0.1), values([7, 4, 3, 2], 0.2), values([7], 0.3))
    let evaluator = Evaluator(graph) { name throws(Diagnostic) in name == "w" ? w : b }
    let found = try #require(try evaluator.results(["x": x])["y"])
    let wanted = graph.nodes[3].op.evaluate([x, w, b])
    #expect(found.shape == wanted.shape)
    #expect(zip(found.values, wanted.values).allSatisfy { abs($0 - $1) < 1e-5 })
  }
}
