/// In how many parts the work of a step comes, and how tasks share these.
///
/// More tasks than parts have nothing to do. It says the same as what a kernel emits, for the
/// compiler to count with.
struct Division: Hashable, Sendable {
  /// How the numbers of tasks in the two directions are found.
  enum Rule: Hashable, Sendable {
    /// All parts are one line, row by row.
    case line
    /// As `Builder.taskGrid`: the fewest tasks are idle.
    case fewestIdle
    /// The task with the most parts has the fewest.
    case leastWork
  }

  /// The parts in the direction that is divided first: rows, heads, chunks of pixels.
  var rows: Int
  /// The most tasks that these are divided among.
  var rowTasks: Int
  /// The parts of each of them: panels of columns, tiles of queries.
  var columns: Int
  var rule: Rule
  /// Numbers that are made ready for the products of all rows; each task does it for its own rows
  /// again.
  var prepared = 0

  /// A line of parts.
  init(_ parts: Int) { self.init(rows: parts, columns: 1) }

  /// The vectors of a number of columns, as `Builder.forColumns` divides them.
  init(vectors columns: Int, on target: Target) { self.init((columns - 1) / target.lanes + 1) }

  /// A line of `columns` parts for each of `rows`.
  init(rows: Int, columns: Int, prepared: Int = 0) {
    (self.rows, rowTasks, self.columns) = (rows, rows, columns)
    rule = .line
    self.prepared = prepared
  }

  /// A grid.
  init(rows: Int, rowTasks: Int, columns: Int, rule: Rule, prepared: Int = 0) {
    (self.rows, self.rowTasks, self.columns, self.rule) = (rows, rowTasks, columns, rule)
    self.prepared = prepared
  }

  /// The most tasks that have something to do.
  var mostTasks: Int { min(rows, rowTasks) * columns }

  /// How the parts are divided among a number of tasks.
  func grid(tasks: Int) -> (rows: Int, columns: Int) {
    func columns(_ rows: Int) -> Int { min(tasks / rows, self.columns) }
    var best = (rows: 1, columns: columns(1))
    guard rowTasks > 1 else { return best }
    var least = Int.max
    for rows in 1...max(1, min(tasks, rowTasks)) {
      // What counts, less is better; of equal ones the most rows.
      let value =
        rule == .leastWork
        ? Self.ceiling(self.rows, rows) * Self.ceiling(self.columns, columns(rows))
        : -rows * columns(rows)
      if value <= least { (best, least) = ((rows, columns(rows)), value) }
    }
    return best
  }

  /// The part of all work, and of all that is made ready, that the task with the most has.
  func largestShare(tasks: Int) -> (work: Double, prepared: Double) {
    let all = rows * columns
    guard all > 0 else { return (0, 0) }
    guard rule == .line else {
      let grid = grid(tasks: tasks)
      let part = Double(Self.ceiling(rows, grid.rows)) / Double(rows)
      return (
        part * Double(Self.ceiling(columns, grid.columns)) / Double(columns), part
      )
    }
    let own = Self.ceiling(all, min(all, tasks))
    // Its parts may begin in the middle of a row's.
    let touched = min(rows, (own + columns - 2) / columns + 1)
    return (Double(own) / Double(all), Double(touched) / Double(rows))
  }

  private static func ceiling(_ whole: Int, _ parts: Int) -> Int { (whole + parts - 1) / parts }
}
