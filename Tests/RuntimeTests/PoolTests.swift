import Foundation
import Synchronization
import Testing

@testable import VitRuntime

/// A model's contexts shared by tasks.
@Suite struct PoolTests {
  private func pool(size: Int, threads: Int = 1) throws -> VitPool {
    try VitPool(
      VitModel(path: try Fixture.library(), options: VitOptions(threads: threads)), size: size)
  }

  @Test(arguments: [1, 3], [1, 2]) func sameBitsForAllTasks(size: Int, threads: Int) async throws {
    let pool = try pool(size: size, threads: threads)
    #expect(pool.size == size)
    let images = (1...5).map { Fixture.images($0) }
    let expected = images.map { Fixture.expected($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<40 {
        let which = task % images.count
        group.addTask {
          if task % 2 == 0 {
            let logits = try await pool.run(images: images[which], count: which + 1)
            #expect(logits == expected[which].logits)
          } else {
            let all = try await pool.runAll(images: images[which], count: which + 1)
            #expect(all["logits"] == expected[which].logits)
            #expect(all["tokens"] == expected[which].tokens)
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Never more at once than there are contexts, and all of them are used.
  @Test func runsAsManyAsItHas() async throws {
    let pool = try pool(size: 3)
    let runs = Runs()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<12 {
        group.addTask {
          try await pool.withContext { _ in
            runs.begin()
            // Until all three run at once, or for ten seconds.
            for _ in 0..<1000 where runs.most < 3 { usleep(10_000) }
            runs.end()
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(runs.most == 3)
  }

  @Test func errorsLeaveItUsable() async throws {
    let pool = try pool(size: 1)
    let images = Fixture.images(1)
    for _ in 0..<3 {
      let error = await #expect(throws: VitError.self) { try await pool.run(images: [1, 2]) }
      #expect(error?.status == .invalidArgument)
      let unknown = await #expect(throws: VitError.self) {
        try await pool.runAll(images: images, outputs: ["none"])
      }
      #expect(unknown?.message.contains("no output 'none'") == true)
      #expect(try await pool.run(images: images) == Fixture.expected(images).logits)
    }
    #expect(throws: VitError.self) { try self.pool(size: 0) }
  }

  /// A task that is cancelled while it waits goes; the others get their turn.
  @Test func cancelledTasksWaitNoLonger() async throws {
    let pool = try pool(size: 1)
    let begun = DispatchSemaphore(value: 0)
    let end = DispatchSemaphore(value: 0)
    let holder = Task {
      try await pool.withContext { _ in
        begun.signal()
        end.wait()
      }
    }
    await Task.detached { Self.wait(begun) }.value
    let images = Fixture.images(1)
    let waiting = Task { try await pool.run(images: images) }
    let other = Task { try await pool.run(images: images) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    end.signal()
    try await holder.value
    #expect(try await other.value == Fixture.expected(images).logits)
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await pool.run(images: images)
    }
    await #expect(throws: CancellationError.self) { try await cancelled.value }
  }

  private static func wait(_ semaphore: DispatchSemaphore) { semaphore.wait() }
}

/// Counts runs that are in work at once.
private final class Runs: Sendable {
  private let counts = Mutex((now: 0, most: 0))

  var most: Int { counts.withLock { $0.most } }

  func begin() {
    counts.withLock {
      $0.now += 1
      $0.most = max($0.most, $0.now)
    }
  }

  func end() { counts.withLock { $0.now -= 1 } }
}
