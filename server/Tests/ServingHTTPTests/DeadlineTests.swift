import Serving
import Testing

@testable import ServingHTTP

/// What is late.
@Suite(.timeLimit(.minutes(1))) struct DeadlineTests {
  private let late = ServeError(.deadline, "late")

  @Test func whatIsInTimeIsReturned() async throws {
    #expect(try await withDeadline(.seconds(30), late: late) { 7 } == 7)
    #expect(try await withDeadline(nil, late: late) { 8 } == 8)
    await #expect(throws: CancellationError.self) {
      try await withDeadline(.seconds(30), late: late) { throw CancellationError() }
    }
  }

  @Test func whatIsLateIsCancelled() async {
    let error = await #expect(throws: ServeError.self) {
      try await withDeadline(.milliseconds(20), late: late) {
        // Ends early only if it is cancelled.
        try await Task.sleep(for: .seconds(600))
      }
    }
    #expect(error == late)
    #expect(error?.status == 504)
  }
}
