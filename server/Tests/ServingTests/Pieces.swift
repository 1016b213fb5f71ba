import Dispatch
import Serving
import Synchronization

/// A model of two numbers an image; its logits are the first of them and one and two more.
func smallModel(
  _ name: String = "small", labels: [String] = ["a", "b", "c"]
) -> ServedModel {
  ServedModel(
    name: name,
    first: .init(
      input: .init("images", [2]), outputs: [.init("logits", [3]), .init("tokens", [2, 2])]),
    scores: .softmax, labels: labels
  ) { rgb, width, height in ([Float(rgb[0]), Float(width * height)], 0) }
}

/// A model of images [1, 1, 2] and [1, 2, 2], whose tokens are as many as pixels; wide pictures
/// become the first, all others the second.
func sizedModel() -> ServedModel {
  func size(_ height: Int) -> ServedModel.Size {
    .init(
      input: .init("images", [1, height, 2]),
      outputs: [.init("logits", [3]), .init("tokens", [2 * height, 2])])
  }
  return ServedModel(name: "sized", first: size(1), further: [size(2)], scores: .softmax) {
    rgb, width, height in
    width > height
      ? ([Float(rgb[0]), 0], 0) : ([Float(rgb[0]), 0, 0, 0], 1)
  }
}

/// Images whose first numbers are these, and whose second are 0.
func images(_ values: Float...) -> PreparedImages {
  PreparedImages(values: values.flatMap { [$0, 0] }, count: values.count)
}

/// The logits of images whose first numbers are these.
func logits(_ values: Float...) -> [Float] { values.flatMap { [$0, $0 + 1, $0 + 2] } }

/// Runs `smallModel`, and keeps what it was asked for; a test may hold it up.
final class SmallRunner: BatchRunner, Sendable {
  /// One call.
  struct Call: Hashable {
    var firsts: [Float]
    var outputs: [String]
  }

  /// What a run throws for an image of NaN.
  struct Failure: Error {}

  private let all = Mutex<[Call]>([])
  private let isHeld = Mutex(false)
  private let hold = DispatchSemaphore(value: 0)
  /// The runs that a test has waited for.
  private let seen = Mutex(0)

  /// The calls so far.
  var calls: [Call] { all.withLock { $0 } }

  /// From now on a run waits for `release()`.
  func holdUp() { isHeld.withLock { $0 = true } }

  /// Waits until one more run has begun; never by blocking, since tests share few threads.
  func waitForRun() async throws {
    let wanted = seen.withLock { seen in
      seen += 1
      return seen
    }
    while calls.count < wanted { try await Task.sleep(for: .milliseconds(1)) }
  }

  /// Lets the run that waits go on, and the next ones.
  func release() {
    isHeld.withLock { $0 = false }
    hold.signal()
  }

  func run(_ images: [Float], sizes: [Int], outputs: [String]) throws -> [String: [Float]] {
    precondition(images.count == 2 * sizes.count)
    let firsts = stride(from: 0, to: images.count, by: 2).map { images[$0] }
    all.withLock { $0.append(Call(firsts: firsts, outputs: outputs)) }
    if isHeld.withLock({ $0 }) { hold.wait() }
    if firsts.contains(where: \.isNaN) { throw Failure() }
    var results: [String: [Float]] = [:]
    for name in outputs {
      results[name] =
        name == "logits"
        ? firsts.flatMap { [$0, $0 + 1, $0 + 2] } : firsts.flatMap { [$0, $0, $0, $0] }
    }
    return results
  }
}

/// An engine of small models, each with a runner.
func smallEngine(
  _ runners: [SmallRunner], policy: BatchPolicy,
  report: @escaping @Sendable (BatchReport) -> Void = { _ in }
) async throws -> Engine {
  try await Engine.start(
    runners.enumerated().map { place, runner in
      Engine.Entry(model: smallModel("small\(place)")) { runner }
    }, policy: policy, report: report)
}
