#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A thread of this process, which is to be joined.
public struct StartedThread: Sendable {
  private let thread: ThreadHandle

  /// Starts a thread that calls `body` once; `nil` if the system has none to give.
  public init?(_ body: @escaping @Sendable () -> Void) {
    let argument = Unmanaged.passRetained(Body(body))
    #if canImport(Musl)
      var made: pthread_t?
    #else
      var made = pthread_t()
    #endif
    let failure = pthread_create(
      &made, nil,
      { argument in
        // Glibc and Musl differ in whether the argument may be null.
        let argument: UnsafeMutableRawPointer? = argument
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().call() }
        return nil
      }, argument.toOpaque())
    guard failure == 0 else {
      argument.release()
      return nil
    }
    thread = ThreadHandle(value: made)
  }

  /// Waits until `body` has returned.
  ///
  /// Call it once.
  public func join() {
    #if canImport(Musl)
      if let value = thread.value { pthread_join(value, nil) }
    #else
      pthread_join(thread.value, nil)
    #endif
  }
}

/// A number or a pointer that names a thread: any thread may hold and join it.
private struct ThreadHandle: @unchecked Sendable {
  #if canImport(Musl)
    let value: pthread_t?
  #else
    let value: pthread_t
  #endif
}

/// What a thread calls.
private final class Body: Sendable {
  let call: @Sendable () -> Void

  init(_ call: @escaping @Sendable () -> Void) { self.call = call }
}
