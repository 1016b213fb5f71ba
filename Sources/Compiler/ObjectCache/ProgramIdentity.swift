import Files
import Packaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What tells this program, and the libraries that it runs with, from any other build of them.
///
/// Of the program it is a hash of the file that runs, which a rebuild has other bytes of; of each
/// library that is loaded its path, size, time and number: LLVM and what computes constants may be
/// replaced without the program. Whoever changes a kernel so never meets an object that was made
/// before.
enum ProgramIdentity {
  /// The text; `nil` where the system does not tell (`/proc` is not mounted).
  static let current: String? = {
    guard let program = try? MappedFile("/proc/self/exe"),
      let maps = contents(of: "/proc/self/maps")
    else { return nil }
    let hash = program.withUnsafeBytes { WeightHash(of: $0) }
    let own = destination(of: "/proc/self/exe")
    let paths = Set(maps.split(separator: "\n").compactMap(codePath)).subtracting([own])
    return (["program \(hash)"] + paths.sorted().map(library)).joined(separator: "\n")
  }()

  /// The file that code is mapped from, of a line such as
  /// `7f0c-7f0d r-xp 00002000 08:01 1835 /lib/libm.so.6`.
  static func codePath(_ line: Substring) -> String? {
    let fields = line.split(separator: " ", maxSplits: 5)
    guard fields.count == 6, fields[1].contains("x") else { return nil }
    // The name stands in a column of its own.
    let path = fields[5].drop { $0 == " " }
    return path.hasPrefix("/") ? String(path) : nil
  }

  private static func library(_ path: String) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { return "library \(path) gone" }
    let time = status.st_mtim
    return "library \(path) \(status.st_size) \(time.tv_sec).\(time.tv_nsec) \(status.st_ino)"
  }

  private static func destination(of link: String) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(link, &buffer, buffer.count)
    return String(
      decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The text of a file whose size is not known before it is read.
  private static func contents(of path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var (bytes, part) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while true {
      let count = read(file, &part, part.count)
      guard count >= 0 else { return nil }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += part[..<count]
    }
  }
}
