import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import Serving

/// `POST v2/models/NAME/infer`: from the body to the answer.
struct InferRoute: Sendable {
  let engine: Engine
  let metrics: ServerMetrics
  let limits: ServerLimits
  /// The threads that read requests and decode pictures.
  let threads: NIOThreadPool

  /// What a body holds.
  private struct Decoded: Sendable {
    var request: InferRequest
    var images: PreparedImages
    var seconds: Double
  }

  private static let headerLength = HTTPField.Name("Inference-Header-Content-Length")

  func answer(
    _ request: Request, model place: Int, _ context: ServeContext
  ) async throws -> Response {
    let model = engine.models[place]
    // Refused before its body is read, where that is known.
    try engine.check(model: place, images: 1)
    let kind = try Self.kind(of: request)
    let body = try await BodyReader(limits: limits).body(of: request)
    let query = try PictureQuery(request.uri)
    let decoded = try await threads.runIfActive {
      try decode(body, kind, query, model)
    }
    context.facts.change {
      $0.images = decoded.images.count
      $0.decoding = decoded.seconds
    }
    metrics.observeDecoding(model: model.name, seconds: decoded.seconds)
    let start = Monotonic.now()
    let images = decoded.images
    let outputs = model.computed(for: decoded.request)
    let result = try await withDeadline(
      time(for: decoded.request), late: ServeError(.deadline, "no result in the time given")
    ) {
      try await engine.infer(images, model: place, outputs: outputs)
    }
    let queue = Monotonic.seconds(from: start, to: result.began)
    context.facts.change {
      $0.queue = queue
      $0.run = Monotonic.seconds(from: result.began, to: result.ended)
    }
    metrics.observeQueue(model: model.name, seconds: queue)
    let response = try await threads.runIfActive {
      try InferResponse(
        to: decoded.request, of: model, outputs: result.outputs, sizes: images.sizes)
    }
    return Self.response(response)
  }

  private static func response(_ response: InferResponse) -> Response {
    var headers: HTTPFields = [
      .contentType: response.headerBytes == nil ? "application/json" : "application/octet-stream"
    ]
    if let size = response.headerBytes, let name = headerLength { headers[name] = "\(size)" }
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: response.body)))
  }

  /// The server's limit, or the client's if it is shorter.
  private func time(for request: InferRequest) -> Duration? {
    guard let wanted = request.timeoutMicroseconds, wanted > 0 else { return limits.resultTime }
    let time = Duration.microseconds(min(wanted, 1 << 50))
    return limits.resultTime.map { min($0, time) } ?? time
  }

  /// What a body is.
  private enum Kind {
    /// The protocol's JSON, with binary data after so many bytes.
    case tensors(headerBytes: Int?)
    /// A JPEG or PNG file.
    case picture
  }

  private static func kind(of request: Request) throws(ServeError) -> Kind {
    if let name = headerLength, let text = request.headers[name] {
      guard let size = Int(text), size >= 0 else {
        throw ServeError(
          .invalid, "Inference-Header-Content-Length: found '\(text.prefix(20))', expected a size")
      }
      // The extension's raw binary request: no JSON, and the body is the only input's only element.
      return size == 0 ? .picture : .tensors(headerBytes: size)
    }
    let type = request.headers[.contentType]?.lowercased() ?? ""
    return type.hasPrefix("image/") || type.hasPrefix("application/octet-stream")
      ? .picture : .tensors(headerBytes: nil)
  }

  /// Runs on a thread that may block.
  private func decode(
    _ body: ByteBuffer, _ kind: Kind, _ query: PictureQuery, _ model: ServedModel
  ) throws -> Decoded {
    let start = Monotonic.now()
    let reader = ImageReader(
      model: model, pixelLimit: limits.pixels, imageLimit: engine.policy.capacity)
    let request: InferRequest
    let images: PreparedImages
    switch kind {
    case .tensors(let headerBytes):
      request = try body.withUnsafeReadableBytes {
        (bytes) throws(ServeError) in
        try InferRequestReader.read(
          bytes, headerBytes: headerBytes, valueLimit: limits.jsonValues(of: model))
      }
      try model.check(request)
      images = try body.withUnsafeReadableBytes { try reader.images(request, body: $0) }
    case .picture:
      request = query.request(model)
      try model.check(request)
      images = try body.withUnsafeReadableBytes { try reader.image(file: $0) }
    }
    try model.check(request, sizes: images.sizes)
    return Decoded(
      request: request, images: images,
      seconds: Monotonic.seconds(from: start, to: Monotonic.now()))
  }
}
