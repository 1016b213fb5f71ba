/// One thing that a processor must offer, and where it says so: the matter of `vit_cpu_feature`.
public struct CPUFeature: Hashable, Sendable {
  /// Where the bits are.
  enum Source: Hashable, Sendable {
    /// A register (0...3: EAX, EBX, ECX, EDX) of a leaf of CPUID.
    case cpuid(leaf: UInt32, subleaf: UInt32, register: UInt32)
    /// The register in which the kernel says which other registers it keeps for each thread.
    case xcr0
    /// What Linux says of the processor in an entry of the auxiliary vector.
    case auxiliary(entry: UInt32)
    /// Registers that Linux keeps for a process only once it has asked for them, by the number of
    /// their component in XCR0.
    case permission(component: UInt32)
  }

  /// What LLVM, compilers and `/proc/cpuinfo` call it.
  public let name: String
  let source: Source
  /// The bits that must be set, all of them.
  let bits: UInt32

  private init(_ name: String, _ source: Source, _ bits: UInt32) {
    self.name = name
    self.source = source
    self.bits = bits
  }

  /// A bit of leaf 1, ECX.
  private static func basic(_ name: String, _ bit: UInt32) -> CPUFeature {
    CPUFeature(name, .cpuid(leaf: 1, subleaf: 0, register: 2), 1 << bit)
  }

  /// A bit of leaf 7, EBX.
  private static func structured(_ name: String, _ bit: UInt32) -> CPUFeature {
    CPUFeature(name, .cpuid(leaf: 7, subleaf: 0, register: 1), 1 << bit)
  }

  /// `true` iff LLVM can be asked for it: all but what the kernel must do.
  var isInstruction: Bool {
    switch source {
    case .cpuid, .auxiliary: true
    case .xcr0, .permission: false
    }
  }
}

/// The features that the x86-64 levels consist of, as far as generated code can meet them.
///
/// System V psABI for AMD64, table 3.1; the bits: Intel SDM volume 2A, CPUID, and volume 1, section
/// 13.3, for XCR0.
extension CPUFeature {
  /// x86-64-v2.
  static let x86v2 = [
    basic("sse3", 0), basic("ssse3", 9), basic("cx16", 13), basic("sse4.1", 19),
    basic("sse4.2", 20), basic("popcnt", 23),
  ]

  /// x86-64-v3.
  ///
  /// XCR0: SSE 1, AVX 2.
  static let x86v3 =
    x86v2 + [
      basic("fma", 12), basic("movbe", 22), basic("avx", 28), basic("f16c", 29),
      structured("bmi", 3), structured("avx2", 5), structured("bmi2", 8),
      CPUFeature("lzcnt", .cpuid(leaf: 0x8000_0001, subleaf: 0, register: 2), 1 << 5),
      CPUFeature("AVX registers kept by the kernel", .xcr0, 0b0000_0110),
    ]

  /// x86-64-v4.
  ///
  /// XCR0 besides: opmasks 5, upper halves 6, upper registers 7.
  static let x86v4 =
    x86v3 + [
      structured("avx512f", 16), structured("avx512dq", 17), structured("avx512cd", 28),
      structured("avx512bw", 30), structured("avx512vl", 31),
      CPUFeature("AVX-512 registers kept by the kernel", .xcr0, 0b1110_0110),
    ]

  /// Products of groups of four 8-bit integers: leaf 7, ECX.
  static let avx512vnni = CPUFeature(
    "avx512vnni", .cpuid(leaf: 7, subleaf: 0, register: 2), 1 << 11)

  /// The same for vectors of 256 bits, without AVX-512: leaf 7, subleaf 1, EAX.
  static let avxvnni = CPUFeature("avxvnni", .cpuid(leaf: 7, subleaf: 1, register: 0), 1 << 4)

  /// Products of pairs of bf16: leaf 7, subleaf 1, EAX.
  static let avx512bf16 = CPUFeature(
    "avx512bf16", .cpuid(leaf: 7, subleaf: 1, register: 0), 1 << 5)
}

/// AMX: eight tiles of up to 16 rows of 64 bytes, and their products.
///
/// Intel SDM volume 2A, CPUID, leaf 7, EDX; volume 1, section 13.3: XCR0 has bit 17 for the shapes
/// of tiles and 18 for what is in them. Linux, Documentation/arch/x86/xstate.rst: the latter,
/// component 18, is to be asked for.
extension CPUFeature {
  /// The tiles.
  static let amxTile = CPUFeature("amx-tile", .cpuid(leaf: 7, subleaf: 0, register: 3), 1 << 24)

  /// All that code with tiles of bf16 and of 8-bit integers wants; the permission last, which is
  /// not asked for where something else is missing.
  static let amx = [
    amxTile,
    CPUFeature("amx-int8", .cpuid(leaf: 7, subleaf: 0, register: 3), 1 << 25),
    CPUFeature("amx-bf16", .cpuid(leaf: 7, subleaf: 0, register: 3), 1 << 22),
    CPUFeature("AMX registers kept by the kernel", .xcr0, 0b11 << 17),
    CPUFeature("AMX registers granted by the kernel", .permission(component: 18), 1),
  ]
}

/// Features of 64-bit Arm beyond NEON, which every processor has.
///
/// The bits: Linux, arch/arm64/include/uapi/asm/hwcap.h; AT_HWCAP is entry 16, AT_HWCAP2 is 26.
extension CPUFeature {
  /// Products of groups of four 8-bit integers: HWCAP_ASIMDDP.
  static let armDotProduct = CPUFeature("dotprod", .auxiliary(entry: 16), 1 << 20)

  /// Products of small matrices of 8-bit integers: HWCAP2_I8MM.
  static let armInt8Matrices = CPUFeature("i8mm", .auxiliary(entry: 26), 1 << 13)

  /// Products of pairs and of small matrices of bf16: HWCAP2_BF16.
  static let armBF16 = CPUFeature("bf16", .auxiliary(entry: 26), 1 << 14)
}
