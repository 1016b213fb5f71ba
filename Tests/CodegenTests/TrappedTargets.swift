import AMXTrap
import AVXVNNITrap

@testable import Codegen
@testable import IR

/// Targets of which this machine lacks instructions, where a handler of SIGILL can do them: those
/// of AVX-VNNI where it runs AVX2, those of AMX where it runs the rest of them.
extension Target {
  private static let avxVNNI: [Target] =
    runnableHere.contains(x86v3) && runnableHere(of: [x86v3AVXVNNI]).isEmpty
      && avxvnni_trap_install() == 1 ? [x86v3AVXVNNI] : []

  /// AMX, trapped where the processor has none.
  static let amx: [Target] =
    runnableHere.contains(x86v4BF16) && amx_trap_install() == 1 ? [x86v4AMX] : []

  /// The targets that products of 8-bit integers are tested on.
  static let multiplyingIntegers = runnableHere(of: portable(multiplying: [.s8])) + avxVNNI + amx

  /// The targets that products of bf16 are tested on.
  static let multiplyingBF16 = runnableHere + amx

  /// `true` iff instructions of the target are trapped, which takes thousands of times as long.
  static func isTrapped(_ target: Target) -> Bool {
    target.hasAMX || runnableHere(of: [target]).isEmpty
  }
}
