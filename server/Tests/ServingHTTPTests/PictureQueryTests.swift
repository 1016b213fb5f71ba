import HummingbirdCore
import Serving
import Testing

@testable import ServingHTTP

/// What a client that posts a picture asks for.
@Suite struct PictureQueryTests {
  private func outputs(
    _ address: String, scores: Bool = true
  ) throws -> [RequestedOutput] {
    let model = ServedModel(
      name: "m",
      first: .init(
        input: .init("images", [1]),
        outputs: [.init("logits", [3]), .init("features", [4])]),
      scores: scores ? .softmax : nil
    ) { _, _, _ in ([], 0) }
    return try PictureQuery(URI(address)).request(model).outputs
  }

  @Test func namesAndClasses() throws {
    #expect(try outputs("/x") == [])
    #expect(
      try outputs("/x?outputs=features,logits")
        == [RequestedOutput("features"), RequestedOutput("logits")])
    #expect(try outputs("/x?classification=5") == [RequestedOutput("scores", classes: 5)])
    #expect(
      try outputs("/x?classification=5", scores: false)
        == [RequestedOutput("logits", classes: 5)])
    #expect(
      try outputs("/x?outputs=logits&classification=2")
        == [RequestedOutput("logits", classes: 2)])
    for wrong in ["0", "x", "-1", ""] {
      #expect(throws: ServeError.self) { try outputs("/x?classification=\(wrong)") }
    }
  }
}
