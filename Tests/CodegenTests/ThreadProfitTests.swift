import Testing

@testable import Codegen

/// How many threads pay: what the number follows from.
@Suite struct ThreadProfitTests {
  private func threads(_ steps: [(division: Division, seconds: Double, count: Int)]) -> Int {
    ThreadProfit(
      steps: steps.map { (ThreadProfit.Step(division: $0.division, seconds: $0.seconds), $0.count) }
    ).threads
  }

  @Test func partsLimitIt() {
    #expect(threads([(Division(1), 1, 1)]) == 1)
    #expect(threads([(Division(4), 1, 1)]) == 4)
    // With 5 to 8 tasks one still has two of nine.
    #expect(threads([(Division(9), 1, 1)]) == 9)
    #expect(threads([(Division(8), 1, 1), (Division(1), 10, 1)]) == 2)
    let grid = Division(rows: 197, rowTasks: 8, columns: 24, rule: .fewestIdle)
    #expect(grid.mostTasks == 192 && threads([(grid, 10, 1)]) == 192)
  }

  /// What is done in microseconds is done before another thread is awake.
  @Test func wakingAndMeetingLimitIt() {
    #expect(threads([(Division(1000), 5e-6, 1)]) == 1)
    #expect(threads([(Division(1000), 1e-7, 50)]) == 1)
    #expect(threads([(Division(1000), 200e-6, 1)]) < 16)
    let (few, many) = (threads([(Division(1000), 1e-3, 10)]), threads([(Division(1000), 1e-3, 40)]))
    #expect(few > 16 && many > few && many < 1000)
    #expect(threads([]) == 1)
  }

  /// Rows that every task makes ready for itself do not get less with more columns of tasks.
  @Test func preparationLimitsIt() {
    var grid = Division(rows: 96, rowTasks: 4, columns: 64, rule: .fewestIdle)
    let without = threads([(grid, 10e-3, 1)])
    grid.prepared = 10_000_000
    let with = threads([(grid, 10e-3, 1)])
    #expect(with < without && with >= 4)
  }

  @Test func sharesAreThoseOfTheFullestTask() {
    let line = Division(rows: 12, columns: 15, prepared: 1)
    #expect(line.largestShare(tasks: 1) == (1, 1))
    // 12 of 180 parts, which may begin in the middle of a head.
    #expect(line.largestShare(tasks: 16).work == 12.0 / 180)
    #expect(line.largestShare(tasks: 16).prepared == 2.0 / 12)
    #expect(line.largestShare(tasks: 500).work == 1.0 / 180)
    #expect(line.mostTasks == 180)
    let grid = Division(rows: 99, rowTasks: 4, columns: 12, rule: .fewestIdle)
    #expect(grid.grid(tasks: 16) == (4, 4))
    let rows = 25.0 / 99
    let share = grid.largestShare(tasks: 16)
    #expect(share.work == rows * 3 / 12 && share.prepared == rows)
    // Seven tasks: one row of seven columns leaves none idle.
    #expect(grid.grid(tasks: 7) == (1, 7))
    let work = Division(rows: 10, rowTasks: 5, columns: 4, rule: .leastWork)
    // Three rows of two columns have as much at most.
    #expect(work.grid(tasks: 7) == (5, 1))
    #expect(work.grid(tasks: 1) == (1, 1))
  }
}
