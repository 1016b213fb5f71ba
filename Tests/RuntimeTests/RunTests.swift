import Foundation
import Synchronization
import Testing

@testable import VitRuntime

@Suite struct RunTests {
  @Test(arguments: [1, 2, 3, 8, 64], [1, 2, 7, 65])
  func sameBitsForAnyThreadsAndBatch(threads: Int, count: Int) throws {
    let model = try VitModel(
      path: try Fixture.library(), options: VitOptions(threads: threads))
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

  @Test(arguments: [1, 2, 5], [1, 3, 5, 12])
  func ownParallelFor(threads: Int, count: Int) throws {
    let calls = Mutex(0)
    let options = VitOptions(threads: threads) { count, task in
      calls.withLock { $0 += 1 }
      // Backwards, as no order is promised.
      for i in (0..<count).reversed() { task(i) }
    }
    let model = try VitModel(path: try Fixture.library(), options: options)
    let context = try model.makeContext()
    let images = Fixture.images(count)
    #expect(try context.run(images: images, count: count) == Fixture.expected(images).logits)
    // One call for all whole images, three steps for each round of teams (TeamTests has the rule);
    // a single task goes step by step.
    let rounds = [1: [1: 1, 3: 3, 5: 5, 12: 12], 2: [1: 1, 3: 1, 5: 1], 5: [1: 1, 3: 3, 12: 2]]
    let whole = threads > 1 && count >= threads
    #expect(
      calls.withLock { $0 } == (whole ? 1 : 0) + 3 * (rounds[threads]?[count] ?? 0))
  }

  @Test func parallelForOnManyThreads() throws {
    let options = VitOptions(threads: 4) { count, task in
      DispatchQueue.concurrentPerform(iterations: count) { task($0) }
    }
    let model = try VitModel(path: try Fixture.library(), options: options)
    let images = Fixture.images(7)
    #expect(
      try model.makeContext().run(images: images, count: 7) == Fixture.expected(images).logits)
  }

  @Test func eightThreadsOnOneModel() throws {
    let model = try VitModel(path: try Fixture.library(), options: VitOptions(threads: 2))
    let failures = Mutex<[String]>([])
    let threads = (0..<8).map { index in
      let thread = Thread {
        do {
          let context = try model.makeContext()
          for round in 0..<50 {
            let count = (index + round) % 5 + 1
            let images = Fixture.images(count).map { $0 + Float(index) }
            if try context.run(images: images, count: count) != Fixture.expected(images).logits {
              failures.withLock { $0.append("thread \(index), round \(round)") }
            }
          }
        } catch { failures.withLock { $0.append("\(error)") } }
        finished.signal()
      }
      thread.start()
      return thread
    }
    for _ in threads { finished.wait() }
    #expect(failures.withLock { $0 } == [])
  }

  private let finished = DispatchSemaphore(value: 0)

  @Test func contextsOutliveTheModelHandle() throws {
    var context: VitContext? = try VitModel(path: try Fixture.library()).makeContext()
    let images = Fixture.images(1)
    #expect(try context?.run(images: images) == Fixture.expected(images).logits)
    context = nil
  }

  @Test func describesItself() throws {
    let description = try VitModel(path: try Fixture.library()).description
    #expect(description.name == "toy")
    #expect(description.model == "fixture")
    #expect(description.input.shape == [3, 4, 5])
    #expect(description.outputs.map(\.name) == ["logits", "tokens"])
    #expect(description.outputs.map(\.shape) == [[7], [3, 20]])
    #expect(description.weightsBytes == 240)
    #expect(description.abiVersion == 2)
    #expect(description.json == "{}")
  }

  @Test func preprocesses() throws {
    let model = try VitModel(path: try Fixture.library())
    // The size of the model's input: nothing but a change of order and scale.
    let rgb = (0..<60).map { UInt8($0 * 4) }
    let image = try model.preprocess(rgb: rgb, width: 5, height: 4)
    #expect(image == (0..<60).map { Float(rgb[$0 % 20 * 3 + $0 / 20]) * (1 / Float(255)) })
    let error = #expect(throws: VitError.self) {
      try model.preprocess(rgb: rgb, width: 6, height: 4)
    }
    #expect(error?.message == "60 bytes are not an image of 6 x 4 pixels in rows of 18 bytes")
    // Sizes whose products exceed an integer.
    for (width, height, row) in [(Int.max, 4, nil), (5, Int.min, nil), (5, 4, Int.max)] {
      #expect(throws: VitError.self) {
        try model.preprocess(rgb: rgb, width: width, height: height, rowBytes: row)
      }
    }
  }
}
