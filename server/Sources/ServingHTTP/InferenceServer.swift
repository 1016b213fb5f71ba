import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Serving
import ServiceLifecycle
import UnixSignals

/// The HTTP server of an engine.
public struct InferenceServer: Sendable {
  /// How the server is set up.
  public struct Configuration: Sendable {
    /// Where it listens: a host name or an address.
    public var host = "127.0.0.1"
    /// The port; 0 for a free one.
    public var port = 8000
    /// What bounds memory and time.
    public var limits = ServerLimits()
    /// The keys that clients must know one of; empty for no keys.
    public var keys: [String] = []
    /// How long the server goes on after it was told to end, not ready.
    public var drainTime: Duration = .zero
    /// In how much time after that all must have ended; what has not is cancelled.
    public var shutdownTime: Duration = .seconds(60)
    /// The threads that read requests and decode pictures.
    public var decodingThreads = max(1, System.coreCount)

    /// Creates the configuration that the command line has by default.
    public init() {}
  }

  /// The services in the order in which they start; they end in the opposite order.
  public let services: [any Service]
  private let configuration: Configuration
  private let logger: Logger

  /// Creates a server; `group(signals:)` runs it.
  ///
  /// - Parameter onRunning: Called with the port when the server listens.
  public init(
    _ engine: Engine, metrics: ServerMetrics, configuration: Configuration, logger: Logger,
    onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    let limits = configuration.limits
    let drain = Drain()
    let threads = NIOThreadPool(numberOfThreads: configuration.decodingThreads)
    threads.start()
    let routes = Routes(
      engine: engine, metrics: metrics, drain: drain,
      infer: InferRoute(engine: engine, metrics: metrics, limits: limits, threads: threads))
    var middlewares: [any MiddlewareProtocol<Request, Response, ServeContext>] = [
      AnswerMiddleware(metrics: metrics, drain: drain)
    ]
    if !configuration.keys.isEmpty {
      middlewares.append(KeyMiddleware(keys: configuration.keys))
    }
    let application = Application(
      router: routes.router(middlewares),
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [ContinueHandler(bodyLimit: limits.bodyBytes)],
          idleTimeout: limits.idleTime)),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port),
        serverName: "vitc-serve/\(ServerVersion.current)",
        availableConnectionsDelegate: MaximumAvailableConnections(
          limits.connections, logger: logger)),
      onServerRunning: { channel in
        await onRunning(channel.localAddress?.port ?? configuration.port)
      }, logger: logger)
    services = [
      DecodingThreads(threads), EngineService(engine), application,
      DrainService(drain, time: configuration.drainTime),
    ]
    self.configuration = configuration
    self.logger = logger
  }

  /// What runs the server, and ends it in order when one of the signals comes.
  public func group(signals: [UnixSignal] = [.sigterm, .sigint]) -> ServiceGroup {
    var group = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: signals, logger: logger)
    group.maximumGracefulShutdownDuration =
      configuration.drainTime + configuration.shutdownTime
    // Cancelled connections are closed at once; nothing else is waited for.
    group.maximumCancellationDuration = .seconds(5)
    return ServiceGroup(configuration: group)
  }
}

/// Ends the threads that decode when nothing needs them any more.
private struct DecodingThreads: Service {
  let threads: NIOThreadPool

  init(_ threads: NIOThreadPool) { self.threads = threads }

  func run() async throws {
    try? await gracefulShutdown()
    try await threads.shutdownGracefully()
  }
}
