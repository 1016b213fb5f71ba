import Synchronization
import Testing

@testable import Serving

/// Batches, bounds, failures and the end of the thread that runs models.
@Suite(.timeLimit(.minutes(2))) struct EngineTests {
  /// A policy in which only full batches run, until the engine ends.
  private static let patient = BatchPolicy(batch: 4, delay: 3_600_000_000_000, capacity: 100)

  /// Waits until so many images wait for the first model.
  private func wait(for count: Int, in engine: Engine) async throws {
    while engine.waiting[0] != count { try await Task.sleep(for: .milliseconds(1)) }
  }

  @Test func answersAreThoseOfTheirImages() async throws {
    let runner = SmallRunner()
    let engine = try await smallEngine(
      [runner], policy: BatchPolicy(batch: 4, delay: 1_000_000, capacity: 1000))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for first in 0..<60 {
        group.addTask {
          let value = Float(first * 100)
          // One to three images.
          let values = (0...first % 3).map { value + Float($0) }
          let result = try await engine.infer(
            PreparedImages(values: values.flatMap { [$0, 0] }, count: values.count), model: 0,
            outputs: ["logits"])
          #expect(result.outputs == ["logits": values.flatMap { [$0, $0 + 1, $0 + 2] }])
          #expect(result.began <= result.ended)
        }
      }
      try await group.waitForAll()
    }
    let calls = runner.calls
    #expect(calls.allSatisfy { (1...4).contains($0.firsts.count) })
    #expect(calls.flatMap(\.firsts).count == 120)
    await engine.stop()
  }

  @Test func imagesWaitForAFullBatch() async throws {
    let runner = SmallRunner()
    let reports = Mutex<[BatchReport]>([])
    let engine = try await smallEngine([runner], policy: Self.patient) { report in
      reports.withLock { $0.append(report) }
    }
    let first = Task { try await engine.infer(images(1, 2), model: 0, outputs: ["logits"]) }
    try await wait(for: 2, in: engine)
    let second = Task { try await engine.infer(images(3, 4, 5), model: 0, outputs: ["tokens"]) }
    #expect(try await first.value.outputs == ["logits": logits(1, 2)])
    // The fifth image alone does not wait for others: it is the rest of a request.
    #expect(try await second.value.outputs["tokens"]?.count == 12)
    #expect(runner.calls.map(\.firsts) == [[1, 2, 3, 4], [5]])
    // Only what is wanted is computed.
    #expect(runner.calls.map(\.outputs) == [["logits", "tokens"], ["tokens"]])
    await engine.stop()
    #expect(reports.withLock { $0.map(\.images) } == [4, 1])
    #expect(reports.withLock { $0.allSatisfy { $0.model == "small0" && $0.seconds >= 0 } })
  }

  @Test func oneImageIsRunAfterTheDelay() async throws {
    let runner = SmallRunner()
    let engine = try await smallEngine(
      [runner], policy: BatchPolicy(batch: 4, delay: 50_000_000, capacity: 10))
    let start = Monotonic.now()
    let result = try await engine.infer(images(1), model: 0, outputs: ["logits"])
    #expect(result.began - start >= 50_000_000)
    await engine.stop()
  }

  @Test func aFullQueueRefuses() async throws {
    let runner = SmallRunner()
    runner.holdUp()
    let engine = try await smallEngine(
      [runner], policy: BatchPolicy(batch: 1, delay: 0, capacity: 2))
    let running = Task { try await engine.infer(images(1), model: 0, outputs: ["logits"]) }
    try await runner.waitForRun()
    let waiting = Task { try await engine.infer(images(2, 3), model: 0, outputs: ["logits"]) }
    try await wait(for: 2, in: engine)
    let error = await #expect(throws: ServeError.self) {
      try await engine.infer(images(4), model: 0, outputs: ["logits"])
    }
    #expect(error?.reason == .queueFull)
    #expect(error?.retryAfter == 1)
    #expect(
      error?.message == "the queue of 'small0' is full: 2 of 2 images wait")
    #expect(throws: ServeError.self) { try engine.check(model: 0, images: 1) }
    runner.release()
    #expect(try await running.value.outputs == ["logits": logits(1)])
    #expect(try await waiting.value.outputs == ["logits": logits(2, 3)])
    try engine.check(model: 0, images: 2)
    await engine.stop()
  }

  @Test func whatIsCancelledLeavesTheQueue() async throws {
    let runner = SmallRunner()
    runner.holdUp()
    let engine = try await smallEngine(
      [runner], policy: BatchPolicy(batch: 1, delay: 0, capacity: 10))
    let running = Task { try await engine.infer(images(1), model: 0, outputs: ["logits"]) }
    try await runner.waitForRun()
    let cancelled = Task { try await engine.infer(images(2, 3), model: 0, outputs: ["logits"]) }
    try await wait(for: 2, in: engine)
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    #expect(engine.waiting == [0])
    runner.release()
    _ = try await running.value
    // A request that ends while a part of it runs is not run further.
    runner.holdUp()
    let half = Task { try await engine.infer(images(4, 5, 6), model: 0, outputs: ["logits"]) }
    try await runner.waitForRun()
    half.cancel()
    await #expect(throws: CancellationError.self) { try await half.value }
    runner.release()
    #expect(try await engine.infer(images(7), model: 0, outputs: ["logits"]).outputs.count == 1)
    #expect(runner.calls.flatMap(\.firsts) == [1, 4, 7])
    await engine.stop()
  }

  @Test func aFailedRunFailsItsRequests() async throws {
    let runner = SmallRunner()
    let engine = try await smallEngine([runner], policy: Self.patient)
    let first = Task { try await engine.infer(images(1, 2), model: 0, outputs: ["logits"]) }
    try await wait(for: 2, in: engine)
    let second = Task { try await engine.infer(images(.nan, 3, 4), model: 0, outputs: ["logits"]) }
    let error = await #expect(throws: ServeError.self) { try await first.value }
    #expect(error?.reason == .failed)
    await #expect(throws: ServeError.self) { try await second.value }
    // The rest of the second is not run; the engine goes on.
    #expect(engine.waiting == [0])
    let third = try await engine.infer(images(5, 6, 7, 8), model: 0, outputs: ["logits"])
    #expect(third.outputs == ["logits": logits(5, 6, 7, 8)])
    #expect(runner.calls.count == 2)
    await engine.stop()
  }

  @Test func theEndLosesNothing() async throws {
    let runner = SmallRunner()
    let engine = try await smallEngine([runner], policy: Self.patient)
    let tasks = (0..<3).map { place in
      Task { try await engine.infer(images(Float(place)), model: 0, outputs: ["logits"]) }
    }
    try await wait(for: 3, in: engine)
    await engine.stop()
    for (place, task) in tasks.enumerated() {
      #expect(try await task.value.outputs == ["logits": logits(Float(place))])
    }
    let error = await #expect(throws: ServeError.self) {
      try await engine.infer(images(9), model: 0, outputs: ["logits"])
    }
    #expect(error?.reason == .stopping)
    // Twice is as good.
    await engine.stop()
  }

  @Test func modelsTakeTurns() async throws {
    let runners = [SmallRunner(), SmallRunner()]
    runners[0].holdUp()
    let engine = try await smallEngine(
      runners, policy: BatchPolicy(batch: 1, delay: 0, capacity: 10))
    let running = Task { try await engine.infer(images(1), model: 0, outputs: ["logits"]) }
    try await runners[0].waitForRun()
    let other = Task { try await engine.infer(images(2), model: 1, outputs: ["logits"]) }
    while engine.waiting[1] != 1 { try await Task.sleep(for: .milliseconds(1)) }
    let later = Task { try await engine.infer(images(3), model: 0, outputs: ["logits"]) }
    try await wait(for: 1, in: engine)
    runners[0].release()
    let (first, second, third) = try await (running.value, other.value, later.value)
    // The other model's came first.
    #expect(first.ended <= second.began)
    #expect(second.ended <= third.began)
    #expect(second.outputs == ["logits": logits(2)])
    await engine.stop()
  }

  @Test func aModelThatCannotBeMadeIsAnError() async throws {
    await #expect(throws: SmallRunner.Failure.self) {
      _ = try await Engine.start(
        [Engine.Entry(model: smallModel()) { throw SmallRunner.Failure() }],
        policy: Self.patient, report: { _ in })
    }
  }
}
