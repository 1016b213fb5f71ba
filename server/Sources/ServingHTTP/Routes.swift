import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Serving

/// The pages of the server.
struct Routes: Sendable {
  let engine: Engine
  let metrics: ServerMetrics
  let drain: Drain
  let infer: InferRoute

  /// The router of all pages, behind these middlewares.
  func router(_ middlewares: [any MiddlewareProtocol<Request, Response, ServeContext>])
    -> Router<ServeContext>
  {
    let router = Router(context: ServeContext.self)
    for middleware in middlewares { router.add(middleware: middleware) }
    router.get("v2") { _, _ in Self.json(server) }
    router.get("v2/health/live") { _, _ in Self.json(.object(["live": .bool(true)])) }
    router.get("v2/health/ready") { _, _ in try ready() }
    router.get("metrics") { _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.text(engine: engine))))
    }
    router.get("v2/models") { _, _ in Self.json(index) }
    router.post("v2/repository/index") { _, _ in Self.json(index) }
    for path: RouterPath in ["v2/models/:name", "v2/models/:name/versions/:version"] {
      let group = router.group(path)
      group.get { _, context in Self.json(engine.models[try model(context)].metadata) }
      group.get("ready") { _, context in
        _ = try model(context)
        return try ready()
      }
      group.post("infer") { request, context in
        try await infer.answer(request, model: try model(context), context)
      }
    }
    return router
  }

  /// The model that a request names, noted for the log.
  private func model(_ context: ServeContext) throws(ServeError) -> Int {
    let name = context.parameters.get("name") ?? ""
    guard let place = engine.models.firstIndex(where: { $0.name == name }) else {
      let names = engine.models.map(\.name).joined(separator: ", ")
      throw ServeError(.notFound, "no model is named '\(name.prefix(80))', expected \(names)")
    }
    context.facts.change { $0.model = name }
    let version = context.parameters.get("version") ?? ServedModel.version
    guard version == ServedModel.version else {
      throw ServeError(
        .notFound,
        "model '\(name)' has no version '\(version.prefix(20))', but \(ServedModel.version)")
    }
    return place
  }

  private func ready() throws(ServeError) -> Response {
    if drain.hasBegun {
      throw ServeError(.stopping, "the server is about to end", retryAfter: 1)
    }
    return Self.json(.object(["ready": .bool(true)]))
  }

  /// The answer to `GET v2`.
  private var server: JSONValue {
    .object([
      "name": .string("vitc-serve"), "version": .string(ServerVersion.current),
      "extensions": .array(
        ["binary_tensor_data", "classification", "model_repository"].map { .string($0) }),
    ])
  }

  /// The models, as the extension `model_repository` lists them.
  private var index: JSONValue {
    .array(
      engine.models.map { model in
        .object([
          "name": .string(model.name), "version": .string(ServedModel.version),
          "state": .string(drain.hasBegun ? "UNAVAILABLE" : "READY"), "reason": .string(""),
        ])
      })
  }

  private static func json(_ value: JSONValue) -> Response {
    Response(
      status: .ok, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: value.text(.compact))))
  }
}
