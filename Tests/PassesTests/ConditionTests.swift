import IR
import Testing

@testable import Passes

/// That the conditions under which passes decline are needed: without them results would change.
struct ConditionTests {
  private func results(_ text: String) throws -> [String: Tensor] {
    Reference.results(try parsed(text))
  }

  /// A stream that is returned shows its mean: centring what is written to it is then wrong.
  @Test(arguments: ["%y", "%z"])
  func centringShowsWhereNoNormFollows(result: String) throws {
    func graph(_ centred: Bool) -> String {
      """
      graph @g fused {
        %x: f32[4,3] = input {shape = [4, 3]}
        %w: f32[5,3] = weight {tensor = "w", shape = [5, 3]}
        %u: f32[5,3] = center %w {axis = 0}
        %v: f32[2,5] = weight {tensor = "v", shape = [2, 5]}
        %y: f32[4,5] = fused_linear %x, %\(centred ? "u" : "w")
        %n: f32[4,5] = layer_norm %y {epsilon = 1e-06}
        %z: f32[4,2] = fused_linear %n, %v
        return \(result) as "y"
      }
      """
    }
    let error = Reference.error(try results(graph(false)), try results(graph(true)))
    if result == "%y" { #expect(error > 1e-2) } else { #expect(error < 1e-5) }
  }

  /// The row scale is a layer norm only of rows with mean zero.
  @Test(arguments: [true, false])
  func rowScaleNeedsRowsOfMeanZero(isCentred: Bool) throws {
    func graph(_ last: String) -> String {
      """
      graph @g fused {
        %x: f32[4,5] = input {shape = [4, 5]}
        %c: f32[4,5] = center %x
        %w: f32[5,5] = weight {tensor = "w", shape = [5, 5]}
        %n: f32[4,5] = layer_norm %\(isCentred ? "c" : "x") {epsilon = 1e-06}
        \(last)
        return %y as "y"
      }
      """
    }
    let norm = try results(graph("%y: f32[4,5] = fused_linear %n, %w"))
    let scale = try results(
      graph("%y: f32[4,5] = fused_linear %\(isCentred ? "c" : "x"), %w {epsilon = 1e-06}"))
    let error = Reference.error(norm, scale)
    if isCentred { #expect(error < 1e-5) } else { #expect(error > 1e-2) }
  }

  /// Bias of keys that are read as values too must stay.
  @Test(arguments: ["%v", "%k"])
  func keyBiasShowsInValues(values: String) throws {
    func graph(_ bias: String) -> String {
      """
      graph @g imported {
        %x: f32[4,6] = input {shape = [4, 6]}
        %w: f32[6,6] = weight {tensor = "w", shape = [6, 6]}
        %u: f32[6,6] = weight {tensor = "u", shape = [6, 6]}
        %b: f32[6] = weight {tensor = "b", shape = [6]}
        %v: f32[4,6] = linear %x, %u
        %k: f32[4,6] = linear %x, %w\(bias)
        %y: f32[4,6] = attention %x, %k, \(values) {heads = 2}
        return %y as "y"
      }
      """
    }
    let error = Reference.error(try results(graph(", %b")), try results(graph("")))
    if values == "%k" { #expect(error > 1e-2) } else { #expect(error < 1e-5) }
  }

  /// Rows of keys cannot be dropped, rows of queries can.
  @Test func keysNeedEveryRow() throws {
    let whole = try results(
      """
      graph @g imported {
        %x: f32[4,6] = input {shape = [4, 6]}
        %a: f32[4,6] = attention %x, %x, %x {heads = 2}
        %y: f32[1,6] = slice %a {start = 0, count = 1}
        return %y as "y"
      }
      """)
    func hoisted(_ operands: String) throws -> [String: Tensor] {
      try results(
        """
        graph @g imported {
          %x: f32[4,6] = input {shape = [4, 6]}
          %c: f32[1,6] = slice %x {start = 0, count = 1}
          %y: f32[1,6] = attention \(operands) {heads = 2}
          return %y as "y"
        }
        """)
    }
    #expect(Reference.error(whole, try hoisted("%c, %x, %x")) < 1e-6)
    #expect(Reference.error(whole, try hoisted("%c, %c, %c")) > 1e-3)
  }
}
