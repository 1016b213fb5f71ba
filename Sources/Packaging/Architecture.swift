/// A processor architecture that vitc makes libraries for.
public enum Architecture: String, Hashable, Sendable, CaseIterable {
  /// 64-bit x86.
  case x86_64
  /// 64-bit ARM.
  case aarch64

  /// The architecture of a target triple such as `aarch64-unknown-linux-gnu`, or `nil`.
  public init?(triple: String) {
    self.init(rawValue: String(triple.prefix { $0 != "-" }))
  }

  /// The one that vitc itself runs on.
  public static var host: Architecture {
    #if arch(arm64)
      .aarch64
    #else
      .x86_64
    #endif
  }

  /// e_machine of ELF: EM_X86_64 or EM_AARCH64.
  var elfMachine: UInt16 {
    switch self {
    case .x86_64: 62
    case .aarch64: 183
    }
  }

  /// The relocation type that adds the load address: R_X86_64_RELATIVE or R_AARCH64_RELATIVE.
  var elfRelative: UInt64 {
    switch self {
    case .x86_64: 8
    case .aarch64: 1027
    }
  }

  /// The largest page that a kernel may use: segments must be that far aligned.
  var mostPageBytes: Int {
    switch self {
    case .x86_64: 4096
    case .aarch64: 65536
    }
  }

  /// What `ld -m` calls it.
  var emulation: String {
    switch self {
    case .x86_64: "elf_x86_64"
    case .aarch64: "aarch64linux"
    }
  }
}
