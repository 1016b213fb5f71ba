internal import CLLVM
import IR

/// What code is generated for: an instruction set, and the kernel shapes that suit it.
public struct Target: Hashable, Sendable {
  /// The name on the command line, such as `x86-64-v4`.
  public let name: String
  /// LLVM's triple.
  public let triple: String
  /// LLVM's name of the CPU whose features are the base.
  public let cpu: String
  /// LLVM's features beyond those of `cpu`.
  public let features: String
  /// The short name of the vector unit: `avx512`, `avx2`, `sse42`, `neon`.
  public let vectorUnit: String
  /// The floats in one vector register.
  public let lanes: Int
  /// `true` iff there is a fused multiply-add.
  public let hasFMA: Bool
  /// The rows of the largest register tile of a contraction.
  public let tileRows: Int
  /// The vectors across that tile; `tileRows * tileVectors` accumulators leave room for the
  /// operands: 28 + 3 of 32 registers with AVX-512, 12 + 3 of 16 with AVX2, 10 + 4 of 16 with SSE
  /// (which needs a product register), 16 + 12 of 32 with NEON (where the multiplier stays in
  /// a register of four).
  public let tileVectors: Int
  /// `true` iff a multiply-add takes one lane of a register as a factor, so that the tile loads
  /// four steps of a row at once instead of repeating each element over a vector.
  public let multipliesByLane: Bool

  /// `true` iff the target is x86-64.
  var isX86: Bool { triple.hasPrefix("x86_64") }

  /// The columns of one register tile.
  var tileColumns: Int { lanes * tileVectors }

  /// The triple and vector unit, for descriptions of compiled models.
  public var summary: String { "\(triple) \(vectorUnit)" }

  /// The machine code of the target's ELF files: `EM_X86_64` or `EM_AARCH64`.
  public var elfMachine: UInt16 { isX86 ? 62 : 183 }
}

extension Target {
  /// Every x86-64 CPU since about 2009: SSE4.2, no fused multiply-add.
  public static let x86v2 = Target(
    name: "x86-64-v2", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v2", features: "",
    vectorUnit: "sse42", lanes: 4, hasFMA: false, tileRows: 5, tileVectors: 2,
    multipliesByLane: false)

  /// AVX2 and FMA: Haswell, Zen and later.
  public static let x86v3 = Target(
    name: "x86-64-v3", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v3", features: "",
    vectorUnit: "avx2", lanes: 8, hasFMA: true, tileRows: 6, tileVectors: 2,
    multipliesByLane: false)

  /// AVX-512 (F, BW, CD, DQ, VL): Skylake-X, Ice Lake, Zen 4 and later.
  public static let x86v4 = Target(
    name: "x86-64-v4", triple: "x86_64-unknown-linux-gnu", cpu: "x86-64-v4", features: "",
    vectorUnit: "avx512", lanes: 16, hasFMA: true, tileRows: 14, tileVectors: 2,
    multipliesByLane: false)

  /// Every 64-bit Arm CPU.
  public static let aarch64 = Target(
    name: "aarch64-neon", triple: "aarch64-unknown-linux-gnu", cpu: "generic", features: "+neon",
    vectorUnit: "neon", lanes: 4, hasFMA: true, tileRows: 8, tileVectors: 2,
    multipliesByLane: true)

  /// Every target, those of the same architecture from the plainest to the richest.
  public static let all: [Target] = [x86v2, x86v3, x86v4, aarch64]

  /// Returns the target of this name; `host` is the richest one that this machine runs.
  public static func named(_ name: String) throws(Diagnostic) -> Target {
    if name == "host" { return try host() }
    if let target = all.first(where: { $0.name == name }) { return target }
    let names = ["host"] + all.map(\.name)
    throw Diagnostic(
      "unknown target '\(name)'", at: .argument("--target"),
      notes: ["targets: \(names.joined(separator: ", "))"],
      hint: Suggestion.hint(for: name, in: names))
  }

  /// Returns the richest target that this machine runs.
  ///
  /// Decided by features, never by the CPU's name, which an older LLVM may not know.
  public static func host() throws(Diagnostic) -> Target {
    guard let best = runnableHere.last else {
      throw Diagnostic(
        "this machine runs none of the targets", at: .argument("--target"),
        notes: ["targets: \(all.map(\.name).joined(separator: ", "))"],
        hint: "name the target of the machine that will run the model")
    }
    return best
  }

  /// The targets whose code this machine runs, from the plainest to the richest.
  public static var runnableHere: [Target] {
    guard let text = LLVMGetHostCPUFeatures() else { return [] }
    defer { LLVMDisposeMessage(text) }
    let features = Set(String(cString: text).split(separator: ",").map(String.init))
    #if arch(x86_64)
      return [x86v2, x86v3, x86v4].filter { target in
        requirements(of: target).allSatisfy { features.contains("+\($0)") }
      }
    #elseif arch(arm64)
      return features.contains("+neon") || features.isEmpty ? [aarch64] : []
    #else
      return []
    #endif
  }

  /// LLVM's names of the features that the psABI's x86-64 levels are made of, as far as generated
  /// code can meet them.
  private static func requirements(of target: Target) -> [String] {
    let v2 = ["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16"]
    let v3 = v2 + ["avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"]
    let v4 = v3 + ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]
    switch target.vectorUnit {
    case "avx512": return v4
    case "avx2": return v3
    default: return v2
    }
  }
}
