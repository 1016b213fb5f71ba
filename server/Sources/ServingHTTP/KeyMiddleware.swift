import HTTPTypes
import Hummingbird
import Serving

/// Lets only clients in that know a key; probes of health need none.
struct KeyMiddleware: RouterMiddleware {
  private let keys: [[UInt8]]

  init(keys: [String]) { self.keys = keys.map { Array($0.utf8) } }

  func handle(
    _ request: Request, context: ServeContext,
    next: (Request, ServeContext) async throws -> Response
  ) async throws -> Response {
    guard request.uri.path.hasPrefix("/v2/health/") || isAllowed(request) else {
      throw ServeError(
        .unauthorized, "expected a key: Authorization: Bearer KEY, or X-API-Key: KEY")
    }
    return try await next(request, context)
  }

  private func isAllowed(_ request: Request) -> Bool {
    guard let given = Self.key(of: request) else { return false }
    // All keys are compared, so that the time does not tell which one was nearly right.
    return keys.reduce(false) { found, key in Self.isEqual(key, given) || found }
  }

  private static let keyField = HTTPField.Name("X-API-Key")

  private static func key(of request: Request) -> [UInt8]? {
    if let field = request.headers[.authorization] {
      let parts = field.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
      return Array(parts[1].utf8)
    }
    return keyField.flatMap { request.headers[$0] }.map { Array($0.utf8) }
  }

  /// Compares in a time that depends on the lengths only.
  private static func isEqual(_ key: [UInt8], _ given: [UInt8]) -> Bool {
    guard key.count == given.count else { return false }
    return zip(key, given).reduce(0) { $0 | $1.0 ^ $1.1 } == 0
  }
}
