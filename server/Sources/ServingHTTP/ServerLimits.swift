import NIOCore
import Serving

/// What bounds the memory and the time that a client can take.
public struct ServerLimits: Sendable {
  /// The most bytes of a body.
  public var bodyBytes = 64 << 20
  /// The most pixels of a picture.
  public var pixels = 50_000_000
  /// The most images of one request whose tensors are JSON.
  public var jsonImages = 16
  /// In how much time a body must have arrived.
  public var bodyTime: Duration = .seconds(30)
  /// In how much time after that a result must be there; `nil` for no limit.
  public var resultTime: Duration? = .seconds(30)
  /// After how much time without a byte a connection is closed.
  public var idleTime: TimeAmount = .seconds(60)
  /// The most connections.
  public var connections = 1024

  /// Creates the limits that the command line has by default.
  public init() {}

  /// The most values of a JSON text for a model: its images, and room for all else.
  func jsonValues(of model: ServedModel) -> Int {
    let largest = model.sizes.map(\.input.elements).max() ?? 0
    let (values, overflow) = largest.multipliedReportingOverflow(by: jsonImages)
    return overflow ? .max : values &+ 4096
  }
}
