import Diagnostics
import Evaluation
import Testing
@testable import IR

@testable import IR

/// Text that is large, deep or broken ends in a graph or in a diagnostic, never in a crash.
@Suite struct HostileTextTests {
  static let sample = """
    graph @g planned {
      %x: f32[2,3] @image+0:3 = input {shape = [2, 3]}
      %w: f32[3] @weights+64:3 = weight {tensor = "a\\"b", shape = [3]}
      %y: f32[2,3] @arena+0:16 = add %x, %w
      %s: f32[1,3] @arena+0:16 = slice %y {start = 0, count = 1}
      %z: f32[1,3] @output0+0:3 = layer_norm %s {epsilon = 1e-06}
      %a: f32[1,3] @arena+128:16, %p: f32[1,1,2] @output1+0:2 = attention %s, %y, %y \
    {heads = 1, weights = true}
      return %z as "z", %p as "p"
    }

    """

  @Test func `every prefix is a graph or a diagnostic`() throws {
    for length in 0...Self.sample.utf8.count {
      let prefix = String(decoding: Self.sample.utf8.prefix(length), as: UTF8.self)
      if let graph = try? GraphParser.parse(prefix) {
        #expect(length >= Self.sample.utf8.count - 1)
        try Verifier.verify(graph)
      }
    }
  }

  @Test func `every replaced byte is a graph or a diagnostic`() throws {
    let bytes = Array(Self.sample.utf8)
    for index in bytes.indices {
      for replacement in Array("0-9%@\"\\{}[],:=+. \nx/".utf8) + [0, 0xFF] {
        var changed = bytes
        changed[index] = replacement
        guard let graph = try? GraphParser.parse(String(decoding: changed, as: UTF8.self))
        else { continue }
        guard Verifier.violations(of: graph).isEmpty else { continue }
        #expect(try GraphParser.parse(graph.description) == graph)
      }
    }
  }

  @Test func `numbers in every place may be huge`() throws {
    let digits = try Regex("[0-9]+")
    for number in ["9223372036854775807", "9223372036854775808", "-1", "0", "1099511627776"] {
      for range in Self.sample.ranges(of: digits) {
        let text = Self.sample.replacingCharacters(in: range, with: number)
        guard let graph = try? GraphParser.parse(text) else { continue }
        _ = Verifier.violations(of: graph)
      }
    }
  }

  @Test func `long chains are parsed, verified and evaluated`() throws {
    var text = "graph @deep imported {\n  %v0: f32[1] = fill {shape = [1], value = 1.0}\n"
    let length = 20_000
    for index in 1...length {
      text += "  %v\(index): f32[1] = multiply %v\(index - 1), %v\(index - 1)\n"
    }
    let graph = try GraphParser.parse(text + "  return %v\(length) as \"y\"\n}\n")
    try Verifier.verify(graph)
    let evaluator = Evaluator(graph) { name throws(Diagnostic) in throw Diagnostic(name) }
    #expect(try evaluator.constant(graph.outputs[0].value).values == [1])
    #expect(try evaluator.results([String: Tensor]())["y"]?.values == [1])
  }

  @Test func `many results on one line are refused at once`() {
    let names = (0..<50_000).map { "%v\($0): f32[1]" }.joined(separator: ", ")
    let text = "graph @g imported {\n  \(names) = fill {shape = [1], value = 1.0}\n}\n"
    let error = #expect(throws: Diagnostic.self) { try GraphParser.parse(text) }
    #expect(error?.message == "'fill' makes 1 value with these attributes, found 50000 names")
  }

  @Test func `a chain of views is followed once`() throws {
    var text = "graph @views planned {\n  %x: f32[1] @image+0:1 = input {shape = [1]}\n"
    text += "  %v0: f32[1] @output0+0:1 = scale %x {factor = 2.0}\n"
    for index in 1...200 {
      text += "  %v\(index): f32[1] @output0+0:1 = reshape %v\(index - 1) {shape = [1]}\n"
    }
    let graph = try GraphParser.parse(text + "  return %v200 as \"y\"\n}\n")
    try Verifier.verify(graph)
  }

  @Test func `long names and lists are only long`() throws {
    let name = String(repeating: "n", count: 100_000)
    let ones = Array(repeating: "1", count: 10_000)
    let (type, shape) = (ones.joined(separator: ","), ones.joined(separator: ", "))
    let text = """
      graph @\(name) imported {
        %\(name): f32[\(type)] = fill {shape = [\(shape)]}
        return %\(name) as "\(name)"
      }

      """
    #expect(try GraphParser.parse(text).description == text)
  }
}

extension String {
  /// The text with `range` replaced.
  fileprivate func replacingCharacters(in range: Range<Index>, with other: String) -> String {
    self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}
