import ArgumentParser
import Logging
import Serving
import VitRuntime

/// How images are run.
struct RunOptions: ParsableArguments {
  @Option(help: "The threads of a run; 0 for one on each processor.")
  var threads = 0

  @Option(
    help: ArgumentHelp(
      "The instruction set to run, such as v3; the best that this processor has by default."))
  var isa: String?

  @Option(help: "The most images that are run together.")
  var batch = 8

  @Option(
    help: ArgumentHelp(
      "How many milliseconds an image waits for others to be run with, while nothing runs.",
      valueName: "ms"))
  var delay = 2.0

  @Option(help: "The most images that wait for a model; more are refused with 503.")
  var queue = 256

  @Flag(help: "Start without comparing each model with its self-test values.")
  var noSelftest = false

  func validate() throws {
    guard batch >= 1 else { throw ValidationError("invalid --batch \(batch), expected 1 or more") }
    guard queue >= 1 else { throw ValidationError("invalid --queue \(queue), expected 1 or more") }
    guard delay.isFinite, (0...60_000).contains(delay) else {
      throw ValidationError("invalid --delay \(delay), expected 0 to 60000 milliseconds")
    }
  }

  /// When images are run together.
  var policy: BatchPolicy {
    BatchPolicy(batch: batch, delay: UInt64(delay * 1e6), capacity: queue)
  }

  /// Loads the models.
  ///
  /// - Throws: what `load(_:_:)` throws; `invalid` for two of one name.
  func load(_ places: [ModelPlace], _ logger: Logger) throws -> [Engine.Entry] {
    var entries: [Engine.Entry] = []
    for place in places {
      let entry = try load(place, logger)
      guard !entries.contains(where: { $0.model.name == entry.model.name }) else {
        throw ServeError(
          .invalid, "two models are named '\(entry.model.name)': give one a name, NAME=LIBRARY")
      }
      entries.append(entry)
    }
    return entries
  }

  /// Loads a model and tests it.
  ///
  /// - Throws: what the library says; `failed` if it does not compute what it did when it was
  ///   compiled.
  private func load(_ place: ModelPlace, _ logger: Logger) throws -> Engine.Entry {
    let model = try VitModel(
      path: place.path, options: VitOptions(threads: threads, isa: isa))
    let name = place.name ?? model.description.name
    try ModelPlace.check(name)
    if !noSelftest {
      do {
        let test = try model.selftest()
        guard test.passed else {
          throw ServeError(
            .failed,
            "'\(place.path)' fails its self-test: error \(test.error), limit \(test.limit)")
        }
      } catch let error as VitError where error.status == .noSelfTestValues {
        logger.warning("no self-test values", metadata: ["path": "\(place.path)"])
      }
    }
    logger.info(
      "loaded",
      metadata: [
        "model": "\(name)", "variant": "\(model.description.model)", "isa": "\(model.isa)",
        "path": "\(place.path)",
      ])
    return try Engine.Entry(model, name: name)
  }
}
