import Serving

/// Returns what `body` returns, or throws `late` if it takes longer than `time`; `body` is
/// cancelled then.
func withDeadline<Result: Sendable>(
  _ time: Duration?, late: ServeError,
  _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  guard let time else { return try await body() }
  return try await withThrowingTaskGroup(of: Result.self) { group in
    group.addTask(operation: body)
    group.addTask {
      try await Task.sleep(for: time)
      throw late
    }
    defer { group.cancelAll() }
    guard let result = try await group.next() else { throw late }
    return result
  }
}
