import HTTPTypes
import Hummingbird
import NIOCore
import Serving

/// Reads the body of a request, within limits.
struct BodyReader {
  let limits: ServerLimits

  /// The whole body.
  ///
  /// - Throws: `tooLarge` for more than `bodyBytes`, before they are read if the length is known;
  ///   `slowBody`; `unsupportedMedia` for a compressed one; `invalid` for one that ends early.
  func body(of request: Request) async throws -> ByteBuffer {
    if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
      throw ServeError(
        .unsupportedMedia,
        "found a body with content encoding '\(coding.prefix(20))', expected none")
    }
    let length = request.headers[.contentLength].flatMap { Int($0) }
    if let length { try check(length) }
    let body = request.body
    return try await withDeadline(
      limits.bodyTime,
      late: ServeError(.slowBody, "the body did not arrive within \(limits.bodyTime)")
    ) {
      var buffer = ByteBuffer()
      // Memory that is reserved and never written to is not taken.
      if let length { buffer.reserveCapacity(length) }
      for try await part in body {
        try check(buffer.readableBytes + part.readableBytes)
        buffer.writeImmutableBuffer(part)
      }
      if let length, buffer.readableBytes < length {
        throw ServeError(
          .invalid, "the body ended after \(buffer.readableBytes) of \(length) bytes")
      }
      return buffer
    }
  }

  private func check(_ size: Int) throws(ServeError) {
    guard size <= limits.bodyBytes else {
      throw ServeError(
        .tooLarge, "the body has \(size) bytes or more, expected at most \(limits.bodyBytes)")
    }
  }
}
