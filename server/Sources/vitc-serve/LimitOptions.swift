import ArgumentParser
import NIOCore
import Serving
import ServingHTTP

/// What bounds the memory and the time that a client can take.
struct LimitOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The most bytes of a body, in MiB.", valueName: "mib"))
  var maxBody = 64

  @Option(
    help: ArgumentHelp(
      "The most pixels of a picture, in millions, known before it is decoded.",
      valueName: "millions"))
  var maxPixels = 50

  @Option(help: "The most connections.")
  var connections = 1024

  @Option(
    help: ArgumentHelp(
      "In how many seconds a body must have arrived.", valueName: "seconds"))
  var bodyTimeout = 30

  @Option(
    help: ArgumentHelp(
      "In how many seconds after that the result must be there, else 504; 0 for no limit. A "
        + "request's parameter 'timeout', in microseconds, can shorten it.", valueName: "seconds"))
  var timeout = 30

  @Option(
    help: ArgumentHelp(
      "After how many seconds without a byte a connection is closed.", valueName: "seconds"))
  var idle = 60

  func validate() throws {
    let values = [
      ("--max-body", maxBody, 1...65536), ("--max-pixels", maxPixels, 1...268),
      ("--connections", connections, 1...1_000_000), ("--body-timeout", bodyTimeout, 1...86400),
      ("--timeout", timeout, 0...86400), ("--idle", idle, 1...86400),
    ]
    for (name, value, range) in values where !range.contains(value) {
      throw ValidationError(
        "invalid \(name) \(value), expected \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// The limits.
  var limits: ServerLimits {
    var limits = ServerLimits()
    limits.bodyBytes = maxBody << 20
    limits.pixels = maxPixels * 1_000_000
    limits.connections = connections
    limits.bodyTime = .seconds(bodyTimeout)
    limits.resultTime = timeout == 0 ? nil : .seconds(timeout)
    limits.idleTime = .seconds(Int64(idle))
    return limits
  }
}
