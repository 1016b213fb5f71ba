import Diagnostics
import Glibc

/// Runs a tool to its end.
enum Command {
  /// Throws what the tool printed if its exit status is not 0; messages name it by its path, or as
  /// told.
  static func run(
    _ path: String, _ arguments: [String], named name: String? = nil
  ) throws(Diagnostic) {
    _ = try output(path, arguments, named: name)
  }

  /// Returns what the tool printed, on both streams; throws it if the exit status is not 0.
  static func output(
    _ path: String, _ arguments: [String], named name: String? = nil
  ) throws(Diagnostic) -> String {
    let name = name ?? path
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      let failure = errno
      throw Diagnostic(
        "cannot run \(name): \(String(cString: strerror(failure)).lowercased())",
        hint: startHint(failure))
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)

    // Threads of a thread pool block signals; the tool shall end by them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    // Nor does it ignore what vitc ignores.
    var ours = sigset_t()
    sigemptyset(&ours)
    for signal in [SIGPIPE, SIGXFSZ] { sigaddset(&ours, signal) }
    posix_spawnattr_setsigdefault(&attributes, &ours)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    // A fixed environment: what is linked depends on the arguments only. PATH is for compiler
    // drivers, which look for their linker.
    var environment = ["LC_ALL=C"]
    for name in ["PATH", "HOME", "TMPDIR"] {
      if let value = getenv(name) { environment.append("\(name)=\(String(cString: value))") }
    }
    var process: pid_t = 0
    let failure = withCStrings([path] + arguments) { argv in
      withCStrings(environment) { envp in
        posix_spawn(&process, path, &actions, &attributes, argv, envp)
      }
    }
    close(ends[1])
    defer { close(ends[0]) }
    guard failure == 0 else {
      throw Diagnostic(
        "cannot run \(name): \(String(cString: strerror(failure)).lowercased())",
        hint: startHint(failure))
    }
    let text = readAll(ends[0])
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else { throw complaint(name, status, text) }
    return text
  }

  /// What is said of a tool that ended with this status of `waitpid`, having printed `text`.
  static func complaint(_ path: String, _ status: Int32, _ text: String) -> Diagnostic {
    // What LLVM's tools print when they crash is for those who develop them.
    let lines = text.split(separator: "\n").prefix { !$0.hasPrefix("PLEASE submit a bug report") }
    // The low 7 bits are the signal, the next 8 the exit status.
    let signal = status & 127
    let how = signal != 0 ? "was ended by signal \(signal)" : "failed"
    return Diagnostic(
      "\(path) \(how)", notes: lines.prefix(20).map(String.init), hint: hint(signal, text))
  }

  private static let memoryHint =
    "it has too little memory: raise the limit on address space (ulimit -v), or free some"
  private static let processHint =
    "it may start no more threads or processes: raise the limit on them (ulimit -u)"
  private static let diskHint =
    "the disk may be full or file sizes limited (ulimit -f): free some space, or choose "
    + "another folder with -o"

  /// What helps against the end of a tool by a signal (0: none), by what it printed; `nil` where
  /// that says all there is.
  private static func hint(_ signal: Int32, _ text: String) -> String? {
    let said = text.lowercased()
    func says(_ phrases: String...) -> Bool { phrases.contains { said.contains($0) } }
    switch signal {
    case SIGINT, SIGTERM, SIGHUP, SIGQUIT: return nil
    case SIGKILL: return "the memory may be exhausted"
    // Linkers map their output: writing to it raises SIGBUS where the disk has no more blocks.
    case SIGBUS, SIGXFSZ: return diskHint
    default: break
    }
    // A word of the C library, of C++ or of the dynamic linker, which maps before anything runs.
    if says(
      "out of memory", "cannot allocate", "memory exhausted", "bad_alloc", "failed to map segment",
      "cannot map zero-fill", "cannot create shared object")
    {
      return memoryHint
    }
    if says("resource temporarily unavailable", "failed to create thread") { return processHint }
    if says("no space left", "file too large", "disk quota", "disk full") { return diskHint }
    if says("error while loading shared libraries", "cannot open shared object") {
      return "it is not installed completely; VITC_LD names another linker"
    }
    return signal == 0 ? nil : "VITC_LD names another linker, such as ld.lld or ld.bfd"
  }

  /// What helps where a tool could not be started.
  private static func startHint(_ failure: Int32) -> String? {
    switch failure {
    case ENOMEM: memoryHint
    case EAGAIN: processHint
    case ENOEXEC: "it is not a program for this machine; VITC_LD names another linker"
    case EACCES, ENOENT: "check its permissions, or name another linker with VITC_LD"
    case EMFILE, ENFILE: "raise the limit on open files (ulimit -n)"
    case E2BIG: "raise the limit on the stack (ulimit -s), which bounds the arguments"
    default: nil
    }
  }

  private static func readAll(_ file: Int32) -> String {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(file, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return String(decoding: text, as: UTF8.self) }
      text += buffer[..<count]
    }
  }

  /// Hands out a C array of C strings, ended by a null pointer.
  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }
}
