import Foundation
import Testing

@testable import VitRuntime

@Suite struct RunTests {
  @Test(arguments: [1, 2, 3, 8, 64], [1, 2, 7, 20])
  func sameBitsForAnyThreadsAndBatch(threads: Int, count: Int) throws {
    let folder = try Folder()
    let model = try VitModel(
      path: try Fixture.build(in: folder)[0], options: VitOptions(threads: threads))
    let context = try model.makeContext()
    let images = Fixture.images(count)
    let expected = Fixture.expected(images)
    for _ in 0..<3 {
      #expect(try context.run(images: images, count: count) == expected.logits)
      let all = try context.runAll(images: images, count: count)
      #expect(all["logits"] == expected.logits)
      #expect(all["tokens"] == expected.tokens)
      let some = try context.runAll(images: images, count: count, outputs: ["tokens"])
      #expect(some == ["tokens": expected.tokens])
    }
  }
}
