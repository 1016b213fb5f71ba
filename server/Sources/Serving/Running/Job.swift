import Synchronization

/// What a run made of the images of one request.
public struct JobResult: Sendable {
  /// The outputs, each [count, its shape].
  public var outputs: [String: [Float]]
  /// When the first of the images began to run, by ``Monotonic``.
  public var began: UInt64
  /// When the last of them had been run.
  public var ended: UInt64
}

/// The images of one request on their way through the queue.
public final class Job: Sendable {
  private enum State {
    case open(CheckedContinuation<JobResult, any Error>?)
    case closed(Result<JobResult, any Error>)
  }

  /// The place of the model in the engine's list.
  let model: Int
  /// [count, channels, height, width].
  let images: PreparedImages
  /// The outputs that are wanted.
  let outputs: Set<String>
  /// When it was queued, by ``Monotonic``.
  let queued: UInt64
  private let state = Mutex(State.open(nil))
  /// What the runs so far made of the first images; only the engine's thread touches it.
  nonisolated(unsafe) var gathered: JobResult?

  init(model: Int, images: PreparedImages, outputs: Set<String>, queued: UInt64) {
    self.model = model
    self.images = images
    self.outputs = outputs
    self.queued = queued
  }

  /// `true` iff there is a result, or nobody waits for one any more.
  var isClosed: Bool {
    state.withLock { if case .closed = $0 { true } else { false } }
  }

  /// Gives the result to whoever waits; the first one counts.
  ///
  /// - Returns: `true` iff it was the first.
  @discardableResult
  func close(_ result: Result<JobResult, any Error>) -> Bool {
    let (isFirst, waiting) = state.withLock {
      state -> (Bool, CheckedContinuation<JobResult, any Error>?) in
      guard case .open(let waiting) = state else { return (false, nil) }
      state = .closed(result)
      return (true, waiting)
    }
    waiting?.resume(with: result)
    return isFirst
  }

  /// The result, as soon as it is there.
  func result() async throws -> JobResult {
    try await withCheckedThrowingContinuation { continuation in
      let result = state.withLock { state -> Result<JobResult, any Error>? in
        if case .closed(let result) = state { return result }
        state = .open(continuation)
        return nil
      }
      if let result { continuation.resume(with: result) }
    }
  }
}
