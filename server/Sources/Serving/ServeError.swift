/// Why a request is not answered with a result: a kind and one line of text.
public struct ServeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failure; the raw value is what metrics call them.
  public enum Reason: String, Hashable, Sendable, CaseIterable {
    /// The request is not what the protocol or the model wants.
    case invalid
    /// The key is missing or wrong.
    case unauthorized
    /// There is no such model, version or page.
    case notFound = "not_found"
    /// The page exists, for another method.
    case wrongMethod = "wrong_method"
    /// The body did not arrive in time.
    case slowBody = "slow_body"
    /// The body, a picture or the number of images is above a limit.
    case tooLarge = "too_large"
    /// The body is compressed in a way that is not read.
    case unsupportedMedia = "unsupported_media"
    /// A run failed.
    case failed
    /// The queue of the model is full.
    case queueFull = "queue_full"
    /// The server is about to end.
    case stopping
    /// The result was not there in time.
    case deadline
  }

  /// The kind of failure.
  public var reason: Reason
  /// What is wrong, in one line.
  public var message: String
  /// After how many seconds another try is sensible; of `queueFull` and `stopping`.
  public var retryAfter: Int?

  /// Creates an error.
  public init(_ reason: Reason, _ message: String, retryAfter: Int? = nil) {
    self.reason = reason
    self.message = message
    self.retryAfter = retryAfter
  }

  /// The status code of HTTP (RFC 9110).
  public var status: Int {
    switch reason {
    case .invalid: 400
    case .unauthorized: 401
    case .notFound: 404
    case .wrongMethod: 405
    case .slowBody: 408
    case .tooLarge: 413
    case .unsupportedMedia: 415
    case .failed: 500
    case .queueFull, .stopping: 503
    case .deadline: 504
    }
  }

  /// The message.
  public var description: String { message }
}
