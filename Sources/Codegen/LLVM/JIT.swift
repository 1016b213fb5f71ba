internal import CLLVM
import Diagnostics

/// A module as machine code in this process, for measurements; compiled models never come here.
final class JIT {
  // The engine borrows the module, which outlives it.
  private let module: Module
  private let engine: LLVMExecutionEngineRef

  /// Compiles `module`, whose target this machine must run.
  init(_ module: consuming Module) throws(Diagnostic) {
    _ = try TargetMachine(module.builder.target)
    LLVMLinkInMCJIT()
    try module.verify()
    var options = LLVMMCJITCompilerOptions()
    let optionsBytes = MemoryLayout<LLVMMCJITCompilerOptions>.size
    LLVMInitializeMCJITCompilerOptions(&options, optionsBytes)
    // As for compiled models; the default, 0, keeps no value in a register.
    options.OptLevel = UInt32(LLVMCodeGenLevelDefault.rawValue)
    var engine: LLVMExecutionEngineRef?
    var message: UnsafeMutablePointer<CChar>?
    let failed = LLVMCreateMCJITCompilerForModule(
      &engine, module.builder.module, &options, optionsBytes, &message)
    self.module = module
    guard failed == 0, let engine else {
      defer { LLVMDisposeMessage(message) }
      throw Diagnostic(
        "LLVM cannot generate code in memory",
        notes: message.map { [String(cString: $0)] } ?? [])
    }
    self.engine = engine
  }

  deinit {
    // Otherwise the engine would dispose of the module, which `module` does.
    var removed: LLVMModuleRef?
    var message: UnsafeMutablePointer<CChar>?
    LLVMRemoveModule(engine, module.builder.module, &removed, &message)
    LLVMDisposeExecutionEngine(engine)
  }

  /// The address of an exported function.
  func address(of name: String) throws(Diagnostic) -> UnsafeRawPointer {
    guard
      let address = UnsafeRawPointer(bitPattern: UInt(LLVMGetFunctionAddress(engine, name)))
    else { throw Diagnostic("the generated function '\(name)' has no address") }
    return address
  }
}
