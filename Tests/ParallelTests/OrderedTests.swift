import Parallel
import Synchronization
import Testing

/// Values made on many threads, in order.
@Suite struct OrderedTests {
  private struct Stop: Error {}

  @Test(arguments: [(1, 1), (2, 2), (3, 8), (8, 3), (4, 1)])
  func valuesComeInOrder(workers: Int, window: Int) {
    let ahead = Mutex((now: 0, most: 0))
    var found: [Int] = []
    Parallel.inOrder(
      200, workers: workers, window: window,
      produce: { index in
        ahead.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
        // Unequal work, so that values are ready out of order.
        var sum = index
        for i in 0..<(index % 7) * 1000 { sum &+= i & 1 }
        return (index, sum)
      },
      consume: { index, value in
        ahead.withLock { $0.now -= 1 }
        #expect(value.0 == index)
        found.append(index)
      })
    #expect(found == Array(0..<200))
    // One that was taken before it is counted here, besides.
    #expect(ahead.withLock { $0.most } <= window + 1)
  }

  @Test func nothingIsMadeAfterAnError() {
    let made = Mutex(0)
    #expect(throws: Stop.self) {
      try Parallel.inOrder(
        1_000_000, workers: 3, window: 6,
        produce: { index in
          made.withLock { $0 += 1 }
          return index
        },
        consume: { index, _ throws(Stop) in if index == 10 { throw Stop() } })
    }
    #expect(made.withLock { $0 } < 30)
  }

  /// Items that are taken one after the other, whose number is not known.
  @Test(arguments: [1, 4])
  func itemsComeInOrder(workers: Int) {
    var next = 0
    var found: [String] = []
    Parallel.inOrder(
      of: {
        next += 1
        return next <= 300 ? "item \(next)" : nil
      }, atMost: .max, workers: workers, window: 5, produce: { $0 + "!" },
      consume: { item, value in
        #expect(value == item + "!")
        found.append(item)
      })
    #expect(found == (1...300).map { "item \($0)" })
    // The end is asked for once, however many workers there are.
    #expect(next <= 301)
  }

  @Test func nothingIsInOrderToo() {
    Parallel.inOrder(0, workers: 2, window: 2, produce: { $0 }, consume: { _, _ in })
  }
}
