internal import CLLVM
import Diagnostics
import IR

/// What code is generated for: an instruction set, and the kernel shapes that suit it.
public struct Target: Hashable, Sendable {
  /// The name on the command line, such as `x86-64-v4`.
  public internal(set) var name: String
  /// LLVM's triple.
  public let triple: String
  /// LLVM's name of the CPU whose features are the base.
  public let cpu: String
  /// LLVM's features beyond those of `cpu`.
  public internal(set) var features: String
  /// The short name of the vector unit: `avx512`, `avx2`, `sse42`, `neon`.
  public let vectorUnit: String
  /// The floats in one vector register.
  public let lanes: Int
  /// `true` iff there is a fused multiply-add.
  public let hasFMA: Bool
  /// The rows of the largest register tile of a fused linear layer.
  public let tileRows: Int
  /// The vectors across that tile; `tileRows * tileVectors` accumulators leave room for the
  /// operands: 28 + 3 of 32 registers with AVX-512, 12 + 3 of 16 with AVX2, 10 + 4 of 16 with SSE
  /// (which needs a register for products), 16 + 12 of 32 with NEON (where the multiplier stays in
  /// a register of four).
  public let tileVectors: Int
  /// The rows of the largest tile where bf16 is widened before it is multiplied, which takes four
  /// registers for the right operand and two for the left beside the accumulators. (With AVX-512
  /// one row less was measured and is not faster.)
  let widenedTileRows: Int
  /// `true` iff a multiply-add takes one lane of a register as an operand, so that the tile loads
  /// four steps of a row at once instead of repeating each element over a vector.
  public let hasLaneFMA: Bool
  /// What a processor must have to run the code.
  public internal(set) var requirements: [CPUFeature]
  /// The instruction that multiplies pairs of bf16 and adds them to a float; `nil`: there is none.
  var bf16Dot: BF16Dot? {
    if requirements.contains(.avx512bf16) { return .vdpbf16ps }
    return requirements.contains(.armBF16) ? .bfdot : nil
  }

  /// Instructions that multiply pairs of bf16.
  enum BF16Dot: Hashable {
    /// `avx512_bf16`.
    case vdpbf16ps
    /// Arm's `bf16`: the left ones from a lane; and small matrices by `bfmmla`.
    case bfdot
  }
  /// `true` iff there are tiles, which multiply bf16 and 8-bit integers: Intel's AMX.
  var hasAMX: Bool { requirements.contains(.amxTile) }
  /// The instruction that multiplies groups of four 8-bit integers and adds them to a 32-bit one;
  /// `nil`: there is none.
  var int8Dot: Int8Dot? {
    if requirements.contains(.avx512vnni) || requirements.contains(.avxvnni) { return .vpdpbusd }
    if requirements.contains(.armInt8Matrices) { return .usdot }
    return requirements.contains(.armDotProduct) ? .sdot : nil
  }

  /// Instructions that multiply groups of four 8-bit integers: all wrap, none saturates.
  enum Int8Dot: Hashable {
    /// `avx512_vnni` and, of half as many lanes, `avx_vnni`: the left ones without a sign.
    case vpdpbusd
    /// Arm's `i8mm`: the left ones without a sign, and either from a lane; and small matrices by
    /// `usmmla`.
    case usdot
    /// Arm's `dotprod`: all with a sign, the left ones from a lane.
    case sdot
  }

  /// `true` iff the target is x86-64.
  var isX86: Bool { triple.hasPrefix("x86_64") }

  /// The size of a cache line.
  var lineBytes: Int { 64 }

  /// The rows of the largest register tile that multiplies numbers of a type.
  func tileRows(of element: ElementType) -> Int {
    element.isNarrowFloat && bf16Dot == nil ? widenedTileRows : tileRows
  }

  /// `true` iff there are instructions that multiply small matrices of a type: two rows of two
  /// groups by two columns of two groups.
  func multipliesPairs(_ element: ElementType) -> Bool {
    switch element {
    case .s8: int8Dot == .usdot
    case .bf16: bf16Dot == .bfdot
    case .f32, .f16, .i32: false
    }
  }

  /// The columns of one register tile.
  var tileColumns: Int { lanes * tileVectors }

  /// The triple and the names of targets, for descriptions of compiled models.
  public static func summary(_ targets: [Target]) -> String {
    "\(targets.first?.triple ?? "") \(names(targets))"
  }

  /// The names of targets, with commas.
  public static func names(_ targets: [Target]) -> String {
    targets.map(\.name).joined(separator: ",")
  }

  /// The machine code of the target's ELF files: `EM_X86_64` or `EM_AARCH64`.
  public var elfMachine: UInt16 { isX86 ? 62 : 183 }
}

extension Target {
  /// Every x86-64 CPU since about 2009: SSE4.2, no fused multiply-add.
  public static let x86v2 = Target(
    name: "x86-64-v2", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v2", features: "",
    vectorUnit: "sse42", lanes: 4, hasFMA: false, tileRows: 5, tileVectors: 2,
    widenedTileRows: 4, hasLaneFMA: false, requirements: CPUFeature.x86v2)

  /// AVX2 and FMA: Haswell, Zen and later.
  public static let x86v3 = Target(
    name: "x86-64-v3", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v3", features: "",
    vectorUnit: "avx2", lanes: 8, hasFMA: true, tileRows: 6, tileVectors: 2,
    widenedTileRows: 5, hasLaneFMA: false, requirements: CPUFeature.x86v3)

  /// AVX2 with products of 8-bit integers (AVX-VNNI): Alder Lake and later without AVX-512.
  static let x86v3AVXVNNI = x86v3.adding(x86v3.optionalFeatures)

  /// AVX-512 (F, BW, CD, DQ, VL): Skylake-X, Ice Lake, Zen 4 and later.
  public static let x86v4 = Target(
    name: "x86-64-v4", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v4", features: "",
    vectorUnit: "avx512", lanes: 16, hasFMA: true, tileRows: 14, tileVectors: 2,
    widenedTileRows: 14, hasLaneFMA: false, requirements: CPUFeature.x86v4)

  /// AVX-512 with products of bf16 and 8-bit integers (BF16, VNNI): Cooper Lake, Sapphire Rapids,
  /// Zen 4 and later.
  public static let x86v4BF16 = x86v4.adding(
    x86v4.optionalFeatures.filter { ["bf16", "vnni"].contains($0.word) }, name: "x86-64-v4-bf16")

  /// AVX-512 with products of 8-bit integers alone (VNNI): Cascade Lake, Ice Lake, Tiger Lake.
  static let x86v4VNNI = x86v4.adding(x86v4.optionalFeatures.filter { $0.word == "vnni" })

  /// AVX-512 with products of tiles of bf16 and 8-bit integers (AMX): Sapphire Rapids and later.
  static let x86v4AMX = x86v4.adding(x86v4.optionalFeatures.filter { $0.word == "amx" })

  /// Every 64-bit Arm CPU.
  public static let aarch64 = Target(
    name: "aarch64-neon", triple: "aarch64-unknown-linux-gnu", cpu: "generic", features: "+neon",
    vectorUnit: "neon", lanes: 4, hasFMA: true, tileRows: 8, tileVectors: 2,
    widenedTileRows: 8, hasLaneFMA: true, requirements: [])

  /// Arm CPUs with products of 8-bit integers: all since Cortex-A76 and Neoverse N1.
  static let aarch64Dot = aarch64.adding(aarch64.features(["dotprod"]))

  /// Arm CPUs with products of small matrices of bf16: Neoverse V1, N2 and Apple's since M2.
  static let aarch64BF16 = aarch64.adding(aarch64.features(["bf16"]))

  /// Arm CPUs with products of small matrices of 8-bit integers and of bf16, which came together.
  static let aarch64Matrices = aarch64.adding(aarch64.optionalFeatures)

  private func features(_ words: [String]) -> [TargetFeature] {
    optionalFeatures.filter { words.contains($0.word) }
  }

  /// What functions are compiled for that run before the processor was asked: any x86-64.
  static let x86Baseline = Target(
    name: "x86-64", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64", features: "",
    vectorUnit: "sse2", lanes: 4, hasFMA: false, tileRows: 5, tileVectors: 2,
    widenedTileRows: 4, hasLaneFMA: false, requirements: [])

  /// Every target, those of the same architecture from the baseline to the best.
  public static let all: [Target] = [x86v2, x86v3, x86v4, x86v4BF16, aarch64]

  /// Returns the best target that this machine runs.
  ///
  /// Decided by features, never by the CPU's name, which an older LLVM may not know.
  public static func host() throws(Diagnostic) -> Target {
    guard let best = runnableHere(of: portable(multiplying: Set(ElementType.allCases))).last else {
      throw Diagnostic(
        "this machine runs none of the targets", at: .argument("--target"),
        notes: ["targets: \(all.map(\.name).joined(separator: ", "))"],
        hint: "name the target of the machine that will run the model")
    }
    return best
  }

  /// The targets whose code this machine runs, from the baseline to the best.
  public static var runnableHere: [Target] { runnableHere(of: portable) }

  /// Those of some targets whose code this machine runs, in their order.
  public static func runnableHere(of targets: [Target]) -> [Target] {
    guard let text = LLVMGetHostCPUFeatures() else { return [] }
    defer { LLVMDisposeMessage(text) }
    let features = Set(String(cString: text).split(separator: ",").map(String.init))
    // LLVM knows by itself which registers the kernel keeps.
    return targets.filter { target in
      target.triple == portable[0].triple
        && target.requirements.allSatisfy {
          !$0.isInstruction || features.contains("+\($0.name)")
        }
    }
  }
}
