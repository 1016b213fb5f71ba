import Dispatch

/// Contexts of one model, for tasks of Swift's concurrency.
///
/// A run keeps its thread busy for milliseconds, which the threads of the concurrency runtime, one
/// for each processor, are not for. So runs happen on threads of Dispatch, at most as many at once
/// as there are contexts; tasks that find all of them busy wait without a thread, in the order in
/// which they came.
///
/// ```swift
/// let pool = try VitPool(VitModel(path: "libdigits.so", options: VitOptions(threads: 1)), size: 4)
/// let logits = try await pool.run(images: pixels)
/// ```
///
/// Give each context its share of the processors: `threads` of the model's options times `size`.
public actor VitPool {
  /// The model that runs.
  public nonisolated let model: VitModel
  /// How many runs there may be at once.
  public nonisolated let size: Int

  private var idle: [Worker]
  private var waiting: [Waiting] = []
  private var nextNumber: UInt64 = 0

  /// Makes the contexts.
  ///
  /// - Throws: `VitError` if `size` is below 1, or the memory or the threads of a context cannot be
  ///   had.
  public init(_ model: VitModel, size: Int = 1) throws(VitError) {
    guard size > 0 else {
      throw VitError(.invalidArgument, "the pool's size is \(size), expected 1 or more")
    }
    self.model = model
    self.size = size
    idle = try (0..<size).map { (number) throws(VitError) in
      Worker(try model.makeContext(), number: number)
    }
  }

  /// Runs images and returns the first output, [count, its shape].
  ///
  /// - Parameters:
  ///   - images: [count, channels, height, width].
  ///   - size: the size of the images, a place in the model's `sizes`.
  /// - Throws: `VitError` as `VitContext.run` does; `CancellationError` if the task is cancelled
  ///   before the run begins. A run that has begun ends.
  public func run(
    images: [Float], count: Int = 1, size: Int = 0
  ) async throws -> [Float] {
    try await withContext { try $0.run(images: images, count: count, size: size) }
  }

  /// Runs images and returns the named outputs, each [count, its shape].
  ///
  /// - Parameters:
  ///   - names: the outputs wanted; all by default.
  ///   - size: the size of the images, a place in the model's `sizes`.
  /// - Throws: as `run(images:count:)`.
  public func runAll(
    images: [Float], count: Int = 1, outputs names: [String]? = nil, size: Int = 0
  ) async throws -> [String: [Float]] {
    try await withContext {
      try $0.runAll(images: images, count: count, outputs: names, size: size)
    }
  }

  /// Runs images of any sizes and returns the named outputs of each, in order.
  ///
  /// - Parameter names: the outputs wanted; all by default.
  /// - Throws: as `run(images:count:)`.
  public func runMixed(
    _ images: [VitSizedImage], outputs names: [String]? = nil
  ) async throws -> [[String: [Float]]] {
    try await withContext { try $0.runMixed(images, outputs: names) }
  }

  /// Calls `body` with a context that nobody else uses meanwhile, on a thread where it may block.
  ///
  /// - Throws: what `body` throws; `CancellationError` if the task is cancelled before.
  public func withContext<Result: Sendable>(
    _ body: @escaping @Sendable (VitContext) throws -> Result
  ) async throws -> Result {
    let worker = try await take()
    defer { giveBack(worker) }
    return try await worker.call(body)
  }

  /// A worker that is idle, or the first to become so.
  private func take() async throws -> Worker {
    try Task.checkCancellation()
    if let worker = idle.popLast() { return worker }
    let number = nextNumber
    nextNumber += 1
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // The task may have been cancelled before it is in the list.
        guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
        waiting.append(Waiting(number: number, continuation: continuation))
      }
    } onCancel: {
      Task { await self.leave(number) }
    }
  }

  private func giveBack(_ worker: Worker) {
    if waiting.isEmpty {
      idle.append(worker)
    } else {
      waiting.removeFirst().continuation.resume(returning: worker)
    }
  }

  /// Takes a cancelled task off the list, if it is still there.
  private func leave(_ number: UInt64) {
    guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
    waiting.remove(at: index).continuation.resume(throwing: CancellationError())
  }

  /// A task that waits for a worker.
  private struct Waiting {
    let number: UInt64
    let continuation: CheckedContinuation<Worker, any Error>
  }
}

/// A context and the queue that uses it.
///
/// Sendable since nothing but the queue, which is serial, touches the context.
private final class Worker: @unchecked Sendable {
  private let context: VitContext
  private let queue: DispatchQueue

  init(_ context: VitContext, number: Int) {
    self.context = context
    queue = DispatchQueue(label: "vitc.pool.\(number)", qos: .userInitiated)
  }

  /// Calls `body` on the queue.
  func call<Result: Sendable>(
    _ body: @escaping @Sendable (VitContext) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async {
        continuation.resume(with: Swift.Result { try body(self.context) })
      }
    }
  }
}
