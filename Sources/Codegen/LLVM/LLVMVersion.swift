internal import CLLVM

/// The LLVM that generates code.
public enum LLVMVersion {
  /// Its version, such as "14.0.6": a part of what decides a library's bytes.
  public static let current = LLVM_VERSION_STRING
}
