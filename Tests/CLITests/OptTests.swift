import Testing

@testable import vitc

@Suite struct OptTests {
  private let text = """
    graph @mlp imported {
      %x:   f32[4,8] = input {shape = [4, 8]}   // a comment
      %w: f32[16,8] = weight {tensor = "fc1.weight", shape = [16, 8]}
      %h: f32[4,16] = linear %x, %w
      %y: f32[4,16] = activation %h {function = "gelu"}
      return %y as "tokens"
    }
    """

  @Test func withoutPassesItPrintsTheCanonicalText() throws {
    let folder = try Folder()
    let path = try folder.write(text, to: "m.vir")
    let result = try vitc("opt", path)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("graph @mlp imported {\n  %x: f32[4,8] = input"))
    #expect(try vitc("opt", "-", input: result.output).output == result.output)
    let written = try vitc("opt", path, "-o", folder("o.vir"))
    #expect(written.output.isEmpty)
    #expect(try vitc("opt", folder("o.vir")).output == result.output)
  }

  @Test func passesRunInOrder() throws {
    let folder = try Folder()
    let path = try folder.write(text, to: "m.vir")
    let result = try vitc(
      "opt", path, "--passes", "simplify-views,fuse-linears", "--print-after",
      "fuse-linears", "--time-passes")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("graph @mlp fused {\n"))
    #expect(result.output.contains("= fused_linear %x, %w"))
    #expect(!result.output.contains("activation %"))
    #expect(result.errors.hasPrefix("// after fuse-linears\n" + result.output))
    #expect(result.errors.contains("\nfuse-linears  "))
    let stopped = try vitc("opt", path, "--passes", "all", "--stop-after", "simplify-views")
    #expect(stopped.output.hasPrefix("graph @mlp imported {\n"))
  }

  @Test func mistakesAreTold() throws {
    let folder = try Folder()
    let path = try folder.write(text, to: "m.vir")
    let name = try vitc("opt", path, "--passes", "fuse-linear")
    #expect(name.code == 1)
    #expect(name.errors.contains("--passes: error: unknown pass 'fuse-linear'"))
    #expect(name.errors.contains("hint: did you mean 'fuse-linears'"))
    let broken = try folder.write("graph @g imported {\n  %x = \n", to: "b.vir")
    let parsed = try vitc("opt", broken)
    #expect(parsed.code == 1)
    #expect(parsed.errors.contains("b.vir:2:"))
    let form = try vitc("opt", path, "--passes", "plan-memory")
    #expect(form.code == 1)
    #expect(form.errors.contains("pass 'plan-memory' takes the form 'fused', found 'imported'"))
    #expect(try vitc("opt", path, "--rewrites", "-1").code == 64)
  }
}
