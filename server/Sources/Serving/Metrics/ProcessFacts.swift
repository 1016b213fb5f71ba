#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What Linux says of this process; 0 where it says nothing.
struct ProcessFacts {
  /// Processor time, user and system.
  let cpuSeconds: Double
  /// Resident memory.
  let residentBytes: Double
  /// Seconds since 1970.
  let startTime: Double

  init() {
    var usage = rusage()
    #if canImport(Musl)
      getrusage(RUSAGE_SELF, &usage)
    #else
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #endif
    cpuSeconds = Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
    // proc(5): the second number of statm counts resident pages.
    let pages = Self.words("/proc/self/statm").dropFirst().first.flatMap { Double($0) } ?? 0
    residentBytes = pages * Double(getpagesize())
    startTime = Self.start
  }

  /// When the process began: the clock now, less how long ago proc(5) says that it was.
  private static let start: Double = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let time = Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    // The 22nd field of stat, in ticks since the machine started; the second, the program's name in
    // brackets, may have blanks, so fields are counted from the bracket on.
    let stat = words("/proc/self/stat")
    guard let bracket = stat.lastIndex(where: { $0.hasSuffix(")") }), bracket + 20 < stat.count,
      let ticks = Double(stat[bracket + 20]),
      let uptime = words("/proc/uptime").first.flatMap({ Double($0) })
    else { return time }
    return time - (uptime - ticks / Double(sysconf(Int32(_SC_CLK_TCK))))
  }()

  private static func seconds(_ time: timeval) -> Double {
    Double(time.tv_sec) + Double(time.tv_usec) / 1e6
  }

  private static func words(_ path: String) -> [String] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
      .split(whereSeparator: \.isWhitespace).map(String.init)
  }
}
