import CVitSystem

/// How many processors' time the kernel's control groups leave to the process.
///
/// Containers and services have quotas: microseconds of all processors together for each period.
/// Threads beyond the quota do not run longer, they are stopped until the next period, and all
/// others wait for them. Sources: Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files"
/// (`cpu.max`), and Documentation/scheduler/sched-bwc.rst (`cpu.cfs_quota_us`) of Linux.
///
/// What cannot be read, or is not what the kernel writes, is no quota. Nothing here allocates.
enum Quota {
  /// Longer lines and paths are skipped.
  private static var longest: Int { 1024 }
  /// As much of a list of groups is read; a line is a hundred bytes or two, there are about 13.
  private static var mostBytes: Int { 65536 }

  /// The least quota of the process's groups and all groups around them, in whole processors, at
  /// least 1; `nil`: there is none.
  ///
  /// A quota of 2.5 is two processors: a third thread would be stopped for half of each period.
  ///
  /// - Parameter root: what comes before `/proc` and `/sys`; `nil`, but in tests: nothing.
  static func processors(below root: UnsafePointer<CChar>? = nil) -> Int32? {
    var least: UInt64?
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: longest) { place in
      var path = PathText(in: place)
      if let root { path.append(root) }
      path.append("/proc/self/cgroup")
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: longest) { line in
        readLines(path, into: line) { length in
          let group = Group(UnsafeMutableBufferPointer(rebasing: line[0..<length]))
          guard let group else { return }
          if group.isSecond {
            lower(&least, root, "/sys/fs/cgroup", group, &path)
          } else {
            // One of them is a link to the other, or there is only one.
            lower(&least, root, "/sys/fs/cgroup/cpu", group, &path)
            lower(&least, root, "/sys/fs/cgroup/cpu,cpuacct", group, &path)
          }
        }
      }
    }
    return least.map { Int32(truncatingIfNeeded: max(1, min($0, UInt64(Options.mostThreads)))) }
  }

  /// Takes the quotas of a group and of all around it, up to the mount's own root.
  ///
  /// In a container the group is often named as the host sees it, and is not there: then its own is
  /// the root of the mount.
  private static func lower(
    _ least: inout UInt64?, _ root: UnsafePointer<CChar>?, _ mount: StaticString, _ group: Group,
    _ path: inout PathText
  ) {
    var end = group.name.count
    while true {
      var quota: UInt64?
      if group.isSecond {
        quota = read(root, mount, group.name, end, "/cpu.max", &path, second)
      } else if let time = read(
        root, mount, group.name, end, "/cpu.cfs_quota_us", &path, single),
        let period = read(root, mount, group.name, end, "/cpu.cfs_period_us", &path, single)
      {
        quota = period > 0 ? time / period : nil
      }
      if let quota { least = min(least ?? quota, quota) }
      if end == 0 { return }
      // The group around it.
      repeat { end &-= 1 } while end > 0 && group.name[end] != slash
    }
  }

  /// What a file of a group says.
  private static func read(
    _ root: UnsafePointer<CChar>?, _ mount: StaticString,
    _ group: UnsafeMutableBufferPointer<CChar>, _ end: Int, _ name: StaticString,
    _ path: inout PathText, _ parse: (UnsafeMutableBufferPointer<CChar>) -> UInt64?
  ) -> UInt64? {
    path.length = 0
    if let root { path.append(root) }
    path.append(mount)
    path.append(group, count: end)
    path.append(name)
    guard let file = path.open() else { return nil }
    defer { _ = close(file) }
    // Two numbers of 20 digits are less; what fills it is something else.
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { bytes in
      let count = CVitSystem.read(file, bytes.baseAddress, numericCast(bytes.count))
      guard count > 0, count < bytes.count else { return nil }
      let end = bytes[count &- 1] == newline ? count &- 1 : count
      return parse(UnsafeMutableBufferPointer(rebasing: bytes[0..<end]))
    }
  }

  /// `cpu.max`: the time or `max`, a space, the period.
  private static func second(_ text: UnsafeMutableBufferPointer<CChar>) -> UInt64? {
    var at = 0
    guard let time = number(text, &at), at < text.count, text[at] == space else { return nil }
    at &+= 1
    guard let period = number(text, &at), at == text.count, period > 0 else { return nil }
    return time / period
  }

  /// A number alone; a negative one, which is no quota, is none.
  private static func single(_ text: UnsafeMutableBufferPointer<CChar>) -> UInt64? {
    var at = 0
    guard let value = number(text, &at), at == text.count else { return nil }
    return value
  }

  /// The digits from `at` on, up to 18, which fit.
  private static func number(
    _ text: UnsafeMutableBufferPointer<CChar>, _ at: inout Int
  ) -> UInt64? {
    let start = at
    var value: UInt64 = 0
    while at < text.count, text[at] >= 0x30, text[at] <= 0x39 {
      guard at &- start < 18 else { return nil }
      value = value &* 10 &+ UInt64(UInt8(bitPattern: text[at]) &- 0x30)
      at &+= 1
    }
    return at > start ? value : nil
  }

  /// Calls `body` with the length of each line of a file, which is in `line` then.
  private static func readLines(
    _ path: PathText, into line: UnsafeMutableBufferPointer<CChar>, _ body: (Int) -> Void
  ) {
    guard let file = path.open() else { return }
    defer { _ = close(file) }
    var (length, isTooLong, total) = (0, false, 0)
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { bytes in
      while total < mostBytes {
        let count = CVitSystem.read(file, bytes.baseAddress, numericCast(bytes.count))
        if count <= 0 { break }
        total &+= count
        for i in 0..<count {
          if bytes[i] == newline {
            if !isTooLong { body(length) }
            (length, isTooLong) = (0, false)
          } else if length < line.count {
            line[length] = bytes[i]
            length &+= 1
          } else {
            isTooLong = true
          }
        }
      }
    }
    if !isTooLong && length > 0 { body(length) }
  }
}

/// A line of `/proc/self/cgroup` that may have a quota: `NUMBER:CONTROLLERS:/GROUP`.
private struct Group {
  /// `true`: of the second version, which has one group for all; else that of processors.
  let isSecond: Bool
  /// Without a slash at the end, so that the root is empty.
  let name: UnsafeMutableBufferPointer<CChar>

  init?(_ line: UnsafeMutableBufferPointer<CChar>) {
    guard let first = line.firstIndex(of: colon),
      let second = line[(first &+ 1)...].firstIndex(of: colon),
      second &+ 1 < line.count, line[second &+ 1] == slash
    else { return nil }
    let controllers = UnsafeMutableBufferPointer(rebasing: line[(first &+ 1)..<second])
    isSecond = first == 1 && line[0] == 0x30 && controllers.isEmpty
    guard isSecond || Group.nameProcessors(controllers) else { return nil }
    let name = line[(second &+ 1)...]
    var end = name.endIndex
    while end > name.startIndex, line[end &- 1] == slash { end &-= 1 }
    // A group outside of what the process sees is named by `..`, a byte of zero by nobody.
    var dots = 0
    for i in name.startIndex..<end {
      dots = line[i] == dot ? dots &+ 1 : 0
      if line[i] == 0 || dots == 2 { end = name.startIndex }
    }
    self.name = UnsafeMutableBufferPointer(rebasing: line[name.startIndex..<end])
  }

  /// Whether `cpu` is in a list with commas.
  private static func nameProcessors(_ list: UnsafeMutableBufferPointer<CChar>) -> Bool {
    var start = 0
    for i in 0...list.count where i == list.count || list[i] == comma {
      if i &- start == 3, list[start] == 0x63, list[start &+ 1] == 0x70, list[start &+ 2] == 0x75 {
        return true
      }
      start = i &+ 1
    }
    return false
  }
}

/// A path that is put together in memory on the stack; one that is too long is that of no file.
private struct PathText {
  private let place: UnsafeMutableBufferPointer<CChar>
  var length = 0

  init(in place: UnsafeMutableBufferPointer<CChar>) { self.place = place }

  mutating func append(_ text: UnsafePointer<CChar>) {
    var i = 0
    while text[i] != 0 {
      append(text[i])
      i &+= 1
    }
  }

  mutating func append(_ text: StaticString) {
    for i in 0..<text.utf8CodeUnitCount { append(CChar(bitPattern: text.utf8Start[i])) }
  }

  mutating func append(_ text: UnsafeMutableBufferPointer<CChar>, count: Int) {
    for i in 0..<count { append(text[i]) }
  }

  private mutating func append(_ byte: CChar) {
    if length < place.count { place[length] = byte }
    length &+= 1
  }

  /// Opens the file, if it is one, to read; the caller closes it.
  func open() -> Int32? {
    guard length < place.count, let path = place.baseAddress else { return nil }
    place[length] = 0
    // 0: a kernel that does not say.
    let type = vit_file_type(path)
    guard type == 0 || type == UInt32(VIT_FILE_REGULAR) else { return nil }
    let file = vit_open_to_read(path)
    return file >= 0 ? file : nil
  }
}

private var colon: CChar { 0x3a }
private var comma: CChar { 0x2c }
private var dot: CChar { 0x2e }
private var newline: CChar { 0x0a }
private var slash: CChar { 0x2f }
private var space: CChar { 0x20 }
