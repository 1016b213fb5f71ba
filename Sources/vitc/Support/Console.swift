import Diagnostics

// The C library's variable stdout is not declared safe to read from several threads; nobody assigns
// it.
#if canImport(Glibc)
  @preconcurrency import Glibc
#elseif canImport(Musl)
  @preconcurrency import Musl
#endif

/// Messages on stderr; stdout is for results.
///
/// What cannot be said on stderr (it is closed, or its disk is full, or nobody reads it) is not:
/// the work and its exit code go on without. What cannot be written to stdout was asked for, so it
/// is an error.
enum Console {
  /// The exit code of wrong usage: `EX_USAGE` of sysexits.h, which swift-argument-parser uses too.
  static let usageError: Int32 = 64

  /// Prepares the three streams, before any file is opened.
  ///
  /// A stream that is closed would be the number of the next file, which then got what is printed:
  /// something is opened in its place that cannot be written to. And a pipe that nobody reads is an
  /// error of `write`, not the end of the process.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) < 0 {
      // The lowest free number is the stream's.
      _ = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Prints a diagnostic.
  static func tell(_ diagnostic: Diagnostic) { tell(diagnostic.description) }

  /// Prints a line, at once.
  static func tell(_ line: String) { write(line + "\n") }

  /// Prints text without a line end, at once.
  static func write(_ text: String) {
    // Not by the C library's stderr, a variable that Swift may not read from several threads, nor
    // by Foundation's, which traps where writing fails.
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN {
        // A terminal or a pipe that does not wait by itself.
        var end = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        guard poll(&end, 1, 1000) > 0 else { return }
        continue
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Throws if what was printed to stdout did not all arrive, such as on a full disk.
  static func finishOutput() throws(Diagnostic) {
    // Once a write has failed, later ones may succeed: the mark in the stream remains.
    let failed = fflush(stdout) != 0
    let code = errno
    guard failed || ferror(stdout) != 0 else { return }
    // Whoever reads no further (`vitc list | head -1`) knows; the process ends as others do then.
    var end = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
    if poll(&end, 1, 0) > 0, end.revents & Int16(POLLERR) != 0 {
      signal(SIGPIPE, SIG_DFL)
      kill(getpid(), SIGPIPE)
    }
    let hint: String? =
      switch failed ? code : 0 {
      case EBADF: "standard output is closed"
      case ENOSPC, EDQUOT: "the disk is full: free some space"
      default: "the disk may be full"
      }
    throw Diagnostic("cannot write to standard output", hint: hint)
  }

  /// `true` iff stderr is a terminal, where a line may be drawn over.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
