import Testing
@testable import IR

@testable import IR

@Suite struct TextTests {
  static let mlp = """
    graph @mlp imported {
      %x: f32[4,8] = input {shape = [4, 8]}
      %fc1.weight: f32[16,8] = weight {tensor = "fc1.weight", shape = [16, 8]}
      %norm: f32[4,8] = layer_norm %x {epsilon = 1e-06}
      %fc1: f32[4,16] = linear %norm, %fc1.weight
      %act: f32[4,16] = activation %fc1 {function = "gelu"}
      return %act as "tokens", %fc1 as "features"
    }

    """

  @Test func `printing what was parsed gives the same text`() throws {
    #expect(try GraphParser.parse(Self.mlp).description == Self.mlp)
  }

  @Test func `placements are part of the text`() throws {
    let text = """
      graph @g planned {
        %x: f32[2,3] @image+0:3 = input {shape = [2, 3]}
        %y: f32[2,3] @output0+0:3 = copy %x
        return %y as "tokens"
      }

      """
    #expect(try GraphParser.parse(text).description == text)
  }
}
