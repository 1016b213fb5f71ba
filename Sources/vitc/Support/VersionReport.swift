import Codegen
import Compiler
import Packaging

/// `vitc --version --json`: what decides the bytes of a library besides the model and the options.
struct VersionReport: Encodable {
  let version = Version.current
  /// The commit that this vitc was built from; absent where the build was not told (`make dist`
  /// tells it).
  let commit = Compile.commit
  let llvm = LLVMVersion.current
  /// The path of the linker that would be used for this machine; absent where none is found.
  let linker = LinkerPath.host
  let targets = Target.all.map(\.name)
  /// Those whose code this machine runs.
  let runnable = Target.runnableHere.map(\.name)

  /// Whether these arguments ask for it.
  static func isWanted(by arguments: [String]) -> Bool {
    arguments == ["--version", "--json"] || arguments == ["--json", "--version"]
  }
}
