#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a look into a file tells before the dynamic linker maps it.
///
/// `dlopen` believes the headers: touching a page beyond the end of a truncated library kills the
/// process (SIGBUS).
package enum LibraryFile {
  /// Returns why the file cannot be loaded, or `nil` if nothing speaks against it.
  ///
  /// - Parameter isLoaded: `false` for a library that is only read, which may be for any processor.
  package static func fault(_ path: String, isLoaded: Bool = true) -> String? {
    var status = stat()
    // A pipe would be waited for, and opening a device may do anything.
    guard stat(path, &status) == 0 else { return reason(errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      return status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is not a regular file"
    }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return reason(errno) }
    defer { close(file) }
    guard fstat(file, &status) == 0 else { return reason(errno) }
    let size = UInt64(status.st_size)
    // Elf64_Ehdr is 64 bytes long: magic, class 2 (64 bits), byte order 1 (little).
    let header = bytes(file, at: 0, count: 64)
    guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { return "it is not a shared library" }
    guard header.count == 64 else { return "it is truncated" }
    guard header[4] == 2, header[5] == 1, integer(UInt16.self, header, 16) == 3 else {
      return "it is not a shared library for a 64-bit processor"  // ET_DYN
    }
    let machine = integer(UInt16.self, header, 18)
    guard machine == ownMachine || !isLoaded else {
      let name = machines[machine] ?? "machine \(machine)"
      return
        "it is a library for \(name), this program runs on \(machines[ownMachine] ?? "another")"
    }
    // e_phoff, e_phentsize and e_phnum; each Elf64_Phdr has p_offset at 8 and p_filesz at 32.
    let (start, stride) = (integer(UInt64.self, header, 32), integer(UInt16.self, header, 54))
    let count = integer(UInt16.self, header, 56)
    guard stride == 56, start <= size, UInt64(count) * 56 <= size - start else {
      return "it is truncated"
    }
    let table = bytes(file, at: off_t(start), count: Int(count) * 56)
    guard table.count == Int(count) * 56 else { return "it is truncated" }
    for entry in Swift.stride(from: 0, to: table.count, by: 56) {
      let (end, overflow) = integer(UInt64.self, table, entry + 8)
        .addingReportingOverflow(integer(UInt64.self, table, entry + 32))
      guard !overflow, end <= size else {
        return "it is truncated: \(size) bytes, expected \(overflow ? "more" : "at least \(end)")"
      }
    }
    return nil
  }

  /// Names of e_machine: EM_X86_64, EM_AARCH64 and those that people meet besides.
  private static let machines: [UInt16: String] = [
    62: "x86-64", 183: "64-bit Arm", 3: "32-bit x86", 40: "32-bit Arm", 243: "RISC-V",
    21: "64-bit PowerPC", 22: "s390x", 258: "LoongArch",
  ]
  #if arch(arm64)
    private static let ownMachine: UInt16 = 183
  #else
    private static let ownMachine: UInt16 = 62
  #endif

  private static func reason(_ code: Int32) -> String {
    code == ENOENT ? "no such file" : String(cString: strerror(code)).lowercased()
  }

  /// Up to `count` bytes of a file.
  private static func bytes(_ file: Int32, at offset: off_t, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let read = pread(file, &bytes, count, offset)
    return Array(bytes.prefix(max(0, read)))
  }

  /// A little-endian number; the caller has made sure that the bytes are there.
  private static func integer<T: FixedWidthInteger>(
    _: T.Type, _ bytes: [UInt8], _ offset: Int
  ) -> T {
    bytes.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
  }
}
