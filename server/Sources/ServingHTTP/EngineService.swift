import Serving
import ServiceLifecycle

/// The last to hear of the shutdown: when all requests are answered, it ends the engine.
public struct EngineService: Service {
  private let engine: Engine

  /// Creates the service of an engine that runs.
  public init(_ engine: Engine) { self.engine = engine }

  /// Returns when the engine has ended.
  public func run() async throws {
    try? await gracefulShutdown()
    await engine.stop()
  }
}
