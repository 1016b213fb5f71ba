import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What vitc does about signals.
enum Signals {
  /// The signals that people and batch systems end a program with.
  private static let ending = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]

  /// The end of a pipe that the handler writes to: all that a handler may do is to write.
  nonisolated(unsafe) private static var pipeEnd: Int32 = -1

  /// Makes interruptions remove unfinished files before the process ends by the same signal, and
  /// limits on file sizes an error of `write` instead of a signal.
  ///
  /// A signal that whoever started vitc ignores (`nohup`) stays ignored.
  static func prepare() {
    signal(SIGXFSZ, SIG_IGN)
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    pipeEnd = ends[1]
    let source = UnsafeMutableRawPointer(bitPattern: Int(ends[0]))
    #if canImport(Musl)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    guard pthread_create(&thread, nil, { Signals.watch($0) }, source) == 0 else { return }
    for number in ending where !isIgnored(number) {
      signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        let failure = errno
        _ = write(Signals.pipeEnd, &byte, 1)
        errno = failure
      }
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    // SIG_IGN is not a function, and functions cannot be compared.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Waits for a signal's number in the pipe.
  private static func watch(_ source: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    var byte: UInt8 = 0
    let source = Int32(truncatingIfNeeded: Int(bitPattern: source))
    while true {
      let count = read(source, &byte, 1)
      if count < 0 && errno == EINTR { continue }
      guard count == 1 else { return nil }
      Unfinished.removeAll {
        // The shell shall see by which signal it ended.
        signal(Int32(byte), SIG_DFL)
        kill(getpid(), Int32(byte))
        // The signal may be taken by another thread, a moment later.
        while true { pause() }
      }
    }
  }
}
