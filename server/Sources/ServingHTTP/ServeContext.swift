import Hummingbird
import NIOCore
import Serving
import Synchronization

/// What goes with a request from route to middleware.
struct ServeContext: RequestContext {
  /// What the log and the metrics say of a request besides what HTTP shows.
  struct Facts: Sendable {
    /// The model that it is for; "" until it is known to exist.
    var model = ""
    /// The number of images.
    var images = 0
    /// Seconds in the queue, in the run, and for reading the request.
    var queue: Double?
    var run: Double?
    var decoding: Double?
    /// The kind of failure.
    var reason: ServeError.Reason?
  }

  /// Facts that are shared by all copies of the context.
  final class SharedFacts: Sendable {
    private let facts = Mutex(Facts())

    var value: Facts { facts.withLock { $0 } }
    func change(_ body: (inout sending Facts) -> Void) { facts.withLock { body(&$0) } }
  }

  var coreContext: CoreRequestContextStorage
  /// The connection.
  let channel: any Channel
  /// What is known of the request so far.
  let facts = SharedFacts()

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
  }
}
