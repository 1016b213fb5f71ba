import ArgumentParser
import Logging
import Serving
import ServingHTTP

/// The command line: `vitc-serve [NAME=]LIBRARY …`.
///
/// Messages go to stderr. Exit codes: 0 after a shutdown in order, 1 for a failure, 64 for wrong
/// usage.
@main
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vitc-serve",
    abstract: "Serves compiled models over HTTP: the Open Inference Protocol, version 2.",
    discussion: """
      POST v2/models/NAME/infer takes tensors as JSON or binary data, JPEG and PNG files as BYTES, \
      and plain pictures: curl --data-binary @cat.jpg -H 'Content-Type: image/jpeg' \
      'localhost:8000/v2/models/NAME/infer?classification=5'. GET metrics is for Prometheus.
      """,
    version: "vitc-serve \(ServerVersion.current)")

  @Argument(
    help: ArgumentHelp(
      "Libraries that vitc compiled; without NAME= a model is named as its functions are.",
      valueName: "[name=]library"))
  var libraries: [String]

  @OptionGroup(title: "Network") var network: NetworkOptions
  @OptionGroup(title: "Runs and batches") var runs: RunOptions
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Log") var log: LogOptions

  func validate() throws {
    guard !libraries.isEmpty else { throw ValidationError("expected a library") }
  }

  func run() async throws {
    let handlers = log.handler
    LoggingSystem.bootstrap(handlers)
    let logger = Logger(label: "vitc-serve")
    do {
      let places = try ModelPlace.list(libraries)
      let keys = try network.keys()
      let entries = try runs.load(places, logger)
      let policy = runs.policy
      let metrics = ServerMetrics(models: entries.map(\.model), policy: policy)
      let engine = try await Engine.start(entries, policy: policy) { metrics.observe($0) }
      var configuration = InferenceServer.Configuration()
      configuration.host = network.host
      configuration.port = network.port
      configuration.keys = keys
      configuration.limits = limits.limits
      configuration.drainTime = .seconds(network.drain)
      configuration.shutdownTime = .seconds(network.shutdown)
      let server = InferenceServer(
        engine, metrics: metrics, configuration: configuration, logger: logger)
      try await server.group().run()
      logger.info("ended in order")
    } catch {
      logger.critical("\(error)")
      throw ExitCode.failure
    }
  }
}
