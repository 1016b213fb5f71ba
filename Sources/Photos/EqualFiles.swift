import Diagnostics
import Files

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Files that have the same bytes.
public enum EqualFiles {
  /// Groups of two or more paths, as places in `paths`, whose files have the same bytes; files that
  /// cannot be read are in none.
  ///
  /// Only files of one size are read.
  public static func groups(_ paths: [String]) -> [[Int]] {
    var sizes: [Int: [Int]] = [:]
    for (index, path) in paths.enumerated() {
      var status = stat()
      guard stat(path, &status) == 0 else { continue }
      sizes[Int(status.st_size), default: []].append(index)
    }
    var groups: [[Int]] = []
    for candidates in sizes.values where candidates.count > 1 {
      var contents: [UInt64: [[Int]]] = [:]
      for index in candidates {
        guard let file = try? MappedFile(paths[index]) else { continue }
        let hash = file.withUnsafeBytes { bytes in
          // FNV-1a; what it takes for equal is compared.
          bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        }
        let known = contents[hash]?.firstIndex { isSame(file, paths[$0[0]]) }
        if let known {
          contents[hash]?[known].append(index)
        } else {
          contents[hash, default: []].append([index])
        }
      }
      groups += contents.values.flatMap { $0 }.filter { $0.count > 1 }
    }
    return groups.sorted { $0[0] < $1[0] }
  }

  private static func isSame(_ file: MappedFile, _ path: String) -> Bool {
    guard let other = try? MappedFile(path), other.count == file.count else { return false }
    return file.withUnsafeBytes { one in
      other.withUnsafeBytes { two in
        guard let first = one.baseAddress, let second = two.baseAddress else { return false }
        return memcmp(first, second, one.count) == 0
      }
    }
  }
}
