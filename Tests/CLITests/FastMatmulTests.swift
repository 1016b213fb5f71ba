import Testing

@testable import vitc

/// `--no-fast-matmul`: neither Strassen's nor Winograd's algorithm; by default both.
@Suite struct FastMatmulTests {
  @Test(arguments: [
    ("ViT-B/16", "algorithm = \"strassen\""), ("R50x1", "algorithm = \"winograd"),
  ])
  func isLeftOutOnDemand(model: String, mark: String) throws {
    let arguments = ["compile", model, "--weights", "seed:1", "--emit", "ir"]
    let fast = try vitc(arguments)
    #expect(fast.code == 0, "\(fast.errors)")
    #expect(fast.output.contains(mark))
    let plain = try vitc(arguments + ["--no-fast-matmul"])
    #expect(plain.code == 0, "\(plain.errors)")
    #expect(!plain.output.contains(mark))
  }
}
