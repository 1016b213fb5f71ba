import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore
import NIOHTTP1
import Serving

/// Makes answers of errors, and writes each answer to the log and the metrics.
struct AnswerMiddleware: RouterMiddleware {
  let metrics: ServerMetrics
  let drain: Drain

  func handle(
    _ request: Request, context: ServeContext,
    next: (Request, ServeContext) async throws -> Response
  ) async throws -> Response {
    let start = Monotonic.now()
    metrics.countInFlight(1)
    defer { metrics.countInFlight(-1) }
    var response: Response
    do {
      response = try await next(request, context)
    } catch let error as HTTPParserError {
      // Hummingbird answers it and closes the connection.
      metrics.countRequest(model: "", code: 400, reason: .invalid)
      throw error
    } catch {
      response = answer(to: error, request, context)
    }
    if drain.hasBegun { response.headers[.connection] = "close" }
    let facts = context.facts.value
    let seconds = Monotonic.seconds(from: start, to: Monotonic.now())
    metrics.countRequest(
      model: facts.model, code: response.status.code, reason: facts.reason)
    if request.method == .post, !facts.model.isEmpty {
      metrics.observeRequest(model: facts.model, seconds: seconds)
    }
    log(request, context, response.status.code, seconds)
    return response
  }

  private func answer(
    to error: any Error, _ request: Request, _ context: ServeContext
  ) -> Response {
    let error = Self.serveError(error, request)
    context.facts.change { $0.reason = error.reason }
    if error.reason == .failed { context.logger.error("\(error)") }
    let text = JSONValue.object(["error": .string(error.message)]).text(.compact)
    var response = Response(
      status: .init(code: error.status), headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    if let seconds = error.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
    if error.reason == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
    switch error.reason {
    case .tooLarge, .slowBody:
      // The rest of the body may be endless.
      return Self.closing(response, text, context.channel)
    default: return response
    }
  }

  private static func serveError(_ error: any Error, _ request: Request) -> ServeError {
    switch error {
    case let error as ServeError: return error
    case let error as HTTPError where error.status == .notFound:
      return ServeError(
        .notFound, "no such page: \(request.method.rawValue) \(request.uri.path.prefix(200))")
    case let error as HTTPError where error.status == .methodNotAllowed:
      return ServeError(.wrongMethod, "the page is not for \(request.method.rawValue)")
    case let error as HTTPError:
      return ServeError(.invalid, error.body ?? error.status.reasonPhrase)
    case is CancellationError:
      return ServeError(.stopping, "the server is about to end", retryAfter: 1)
    default: return ServeError(.failed, "\(error)")
    }
  }

  /// How long a refused client has to read the answer before its connection is closed: closed at
  /// once, with bytes unread, TCP would throw the answer away.
  private static let linger = TimeAmount.seconds(2)

  /// The response, after which nothing more is read for long.
  private static func closing(
    _ response: Response, _ text: String, _ channel: any Channel
  ) -> Response {
    var response = response
    response.headers[.connection] = "close"
    response.body = ResponseBody(contentLength: text.utf8.count) { writer in
      try await writer.write(ByteBuffer(string: text))
      try await writer.finish(nil)
      channel.eventLoop.scheduleTask(in: linger) { channel.close(promise: nil) }
    }
    return response
  }

  private func log(
    _ request: Request, _ context: ServeContext, _ code: Int, _ seconds: Double
  ) {
    let isProbe = request.uri.path.hasPrefix("/v2/health/") || request.uri.path == "/metrics"
    let level: Logger.Level = code >= 500 ? .warning : isProbe ? .debug : .info
    guard level >= context.logger.logLevel else { return }
    let facts = context.facts.value
    var metadata: Logger.Metadata = [
      "method": "\(request.method.rawValue)", "path": "\(request.uri.path.prefix(200))",
      "status": "\(code)", "seconds": Self.time(seconds),
    ]
    if !facts.model.isEmpty { metadata["model"] = "\(facts.model)" }
    if facts.images > 0 { metadata["images"] = "\(facts.images)" }
    if let time = facts.decoding { metadata["decode_seconds"] = Self.time(time) }
    if let time = facts.queue { metadata["queue_seconds"] = Self.time(time) }
    if let time = facts.run { metadata["run_seconds"] = Self.time(time) }
    if let reason = facts.reason { metadata["reason"] = "\(reason.rawValue)" }
    context.logger.log(level: level, "request", metadata: metadata)
  }

  /// Microseconds are precise enough.
  private static func time(_ seconds: Double) -> Logger.MetadataValue {
    "\((seconds * 1e6).rounded() / 1e6)"
  }
}
