import Testing

@testable import Serving

/// What is run next, and when.
@Suite struct WaitingJobsTests {
  private func job(_ count: Int, at time: UInt64 = 0) -> Job {
    Job(
      model: 0, images: PreparedImages(values: [], count: count), outputs: [], queued: time)
  }

  @Test func aFullBatchIsReadyAtOnce() {
    var waiting = WaitingJobs(policy: BatchPolicy(batch: 4, delay: 100, capacity: 10))
    #expect(waiting.ready == nil)
    let isTaken1 = waiting.add(job(3, at: 7))
    #expect(isTaken1)
    #expect(waiting.ready == 107)
    let isTaken2 = waiting.add(job(1, at: 50))
    #expect(isTaken2)
    #expect(waiting.ready == 0)
    #expect(waiting.oldest == 7)
  }

  @Test func jobsAreCutAtTheBatch() {
    var waiting = WaitingJobs(policy: BatchPolicy(batch: 4, delay: 100, capacity: 20))
    let (first, second, third) = (job(3), job(7), job(1))
    let areTaken = [first, second, third].map { waiting.add($0) }
    #expect(areTaken == [true, true, true])
    #expect(waiting.images == 11)
    func next() -> [[Int]] {
      waiting.take().map { part in
        [part.job === first ? 1 : part.job === second ? 2 : 3, part.images.lowerBound]
          + [part.images.upperBound]
      }
    }
    #expect(next() == [[1, 0, 3], [2, 0, 1]])
    #expect(waiting.images == 7)
    // What is left of a job does not wait for others.
    #expect(waiting.ready == 0)
    #expect(next() == [[2, 1, 5]])
    #expect(next() == [[2, 5, 7], [3, 0, 1]])
    #expect(next() == [])
    #expect(waiting.images == 0)
    #expect(waiting.ready == nil)
  }

  @Test func theQueueIsBounded() {
    var waiting = WaitingJobs(policy: BatchPolicy(batch: 4, delay: 0, capacity: 5))
    let isTaken3 = waiting.add(job(5))
    #expect(isTaken3)
    let isTaken4 = waiting.add(job(1))
    #expect(!isTaken4)
    _ = waiting.take()
    #expect(waiting.images == 1)
    let isTaken5 = waiting.add(job(4))
    #expect(isTaken5)
    let isTaken6 = waiting.add(job(1))
    #expect(!isTaken6)
  }

  @Test func whatIsRemovedIsNotRun() {
    var waiting = WaitingJobs(policy: BatchPolicy(batch: 2, delay: 0, capacity: 20))
    let (first, second, third) = (job(5), job(2), job(1))
    let areTaken = [first, second, third].map { waiting.add($0) }
    #expect(areTaken == [true, true, true])
    _ = waiting.take()
    #expect(waiting.images == 6)
    waiting.remove(first)
    #expect(waiting.images == 3)
    waiting.remove(first)
    #expect(waiting.images == 3)
    waiting.remove(third)
    #expect(waiting.images == 2)
    let parts = waiting.take()
    #expect(parts.count == 1)
    #expect(parts[0].job === second)
    #expect(parts[0].images == 0..<2)
    #expect(waiting.images == 0)
  }
}
