import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The stack that vitc needs: without it the process would end by a signal, in the middle of the
/// work.
enum StackLimit {
  /// Half of it was seen to be enough.
  private static let leastBytes: rlim_t = 512 << 10

  /// Raises the limit where it may; throws where it may not, and the stack is too small.
  static func check() throws(Diagnostic) {
    var limit = rlimit()
    let resource = __rlimit_resource_t(UInt32(RLIMIT_STACK.rawValue))
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < leastBytes else { return }
    let found = limit.rlim_cur
    // A main thread's stack grows up to the limit of the moment; other threads get what it was.
    limit.rlim_cur = min(leastBytes, limit.rlim_max)
    guard limit.rlim_cur >= leastBytes, setrlimit(resource, &limit) == 0 else {
      throw Diagnostic(
        "the stack is limited to \(found >> 10) KB, expected \(leastBytes >> 10) KB at least",
        hint: "raise the limit (ulimit -s)")
    }
  }
}
