import Diagnostics
import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What vitc does about signals.
enum Signals {
  /// The signals that people and batch systems end a program with.
  private static let ending = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU]

  /// The end of a pipe that the handler writes to: all that a handler may do is to write.
  nonisolated(unsafe) private static var pipeEnd: Int32 = -1

  /// The signals that a process ends by which goes on without the memory that it asked for.
  private static let faults = [SIGABRT, SIGBUS, SIGILL, SIGSEGV, SIGTRAP]

  /// What is said of such an end: a handler may not make a text.
  nonisolated(unsafe) private static var faultText: UnsafeMutablePointer<CChar>?

  /// The thread that waits for the pipe.
  nonisolated(unsafe) private static var watcher: pthread_t?

  /// In the pipe: a fault, not the number of a signal.
  private static let fault: UInt8 = 255

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
    tellOfFaults()
    guard pthread_create(&thread, nil, { Signals.watch($0) }, source) == 0 else { return }
    watcher = thread
    for number in ending where !isIgnored(number) {
      signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        let failure = errno
        _ = write(Signals.pipeEnd, &byte, 1)
        errno = failure
      }
    }
  }

  /// Where memory is limited, makes an end for want of it a message and the exit code of a failure.
  ///
  /// Neither Swift nor LLVM hand such a failure on: they end the process.
  private static func tellOfFaults() {
    let limits = [(RLIMIT_AS, "ulimit -v"), (RLIMIT_DATA, "ulimit -d")].compactMap {
      (resource, command) -> String? in
      var limit = rlimit()
      guard getrlimit(__rlimit_resource_t(UInt32(resource.rawValue)), &limit) == 0,
        limit.rlim_cur != rlim_t.max
      else { return nil }
      return "\(command), now \(limit.rlim_cur >> 10)"
    }
    guard !limits.isEmpty else { return }
    let text = Diagnostic(
      "vitc ended by a fault, most likely since memory is limited and ran out",
      hint: "raise the limit (\(limits.joined(separator: "; ")))"
    ).description
    faultText = strdup("\n\(text)\n")
    for number in faults {
      signal(number) { _ in
        // A second fault, of the thread that cleans up: nothing more can be done.
        if let watcher = Signals.watcher, pthread_equal(pthread_self(), watcher) != 0 { _exit(1) }
        guard let text = Signals.faultText else { _exit(1) }
        _ = write(STDERR_FILENO, text, strlen(text))
        var byte = Signals.fault
        _ = write(Signals.pipeEnd, &byte, 1)
        // The other thread ends the process, if it can.
        let seconds: UInt32 = 5
        _ = sleep(seconds)
        _exit(1)
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
        if byte == fault { _exit(1) }
        // The shell shall see by which signal it ended.
        signal(Int32(byte), SIG_DFL)
        kill(getpid(), Int32(byte))
        // The signal may be taken by another thread, a moment later.
        while true { pause() }
      }
    }
  }
}
