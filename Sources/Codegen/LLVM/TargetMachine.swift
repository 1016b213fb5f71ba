internal import CLLVM
import Diagnostics

/// LLVM's back end for one target.
struct TargetMachine: ~Copyable {
  private let machine: LLVMTargetMachineRef

  /// The back ends that this program can use, registered once.
  private static let registered: Void = {
    LLVMInitializeX86TargetInfo()
    LLVMInitializeX86Target()
    LLVMInitializeX86TargetMC()
    LLVMInitializeX86AsmPrinter()
    LLVMInitializeX86AsmParser()
    LLVMInitializeAArch64TargetInfo()
    LLVMInitializeAArch64Target()
    LLVMInitializeAArch64TargetMC()
    LLVMInitializeAArch64AsmPrinter()
    LLVMInitializeAArch64AsmParser()
  }()

  /// Finds LLVM's back end for `target`; position-independent code, small code model.
  init(_ target: Target) throws(Diagnostic) {
    _ = TargetMachine.registered
    var found: LLVMTargetRef?
    var message: UnsafeMutablePointer<CChar>?
    guard LLVMGetTargetFromTriple(target.triple, &found, &message) == 0, let found else {
      defer { LLVMDisposeMessage(message) }
      throw Diagnostic(
        "LLVM has no back end for '\(target.triple)'",
        notes: message.map { [String(cString: $0)] } ?? [],
        hint: "install an LLVM that was built with it, or choose another --target")
    }
    guard
      let machine = LLVMCreateTargetMachine(
        found, target.triple, target.cpu, target.features, LLVMCodeGenLevelDefault, LLVMRelocPIC,
        LLVMCodeModelSmall)
    else {
      throw Diagnostic("LLVM cannot generate code for '\(target.triple)' with '\(target.cpu)'")
    }
    self.machine = machine
  }

  deinit { LLVMDisposeTargetMachine(machine) }

  /// Lays the module out for this machine and runs a light pipeline.
  ///
  /// The kernels are emitted in the form that they should have (vectors, unrolled, in registers),
  /// so only clean-up is left to LLVM; the loop passes of `default<O2>` would cost seconds.
  func optimize(_ module: borrowing Module) throws(Diagnostic) {
    let layout = LLVMCreateTargetDataLayout(machine)
    LLVMSetModuleDataLayout(module.builder.module, layout)
    LLVMDisposeTargetData(layout)
    try module.verify()
    let options = LLVMCreatePassBuilderOptions()
    defer { LLVMDisposePassBuilderOptions(options) }
    let pipeline = "function(early-cse,instcombine,simplifycfg)"
    if let error = LLVMRunPasses(module.builder.module, pipeline, machine, options) {
      let message = LLVMGetErrorMessage(error)
      defer { LLVMDisposeErrorMessage(message) }
      throw Diagnostic(
        "LLVM's passes failed", notes: message.map { [String(cString: $0)] } ?? [])
    }
    try module.verify()
  }

  /// Emits the module's object file.
  func object(of module: borrowing Module) throws(Diagnostic) -> [UInt8] {
    try emit(module, LLVMObjectFile)
  }

  /// Emits the module's assembly text.
  func assembly(of module: borrowing Module) throws(Diagnostic) -> String {
    String(decoding: try emit(module, LLVMAssemblyFile), as: UTF8.self)
  }

  private func emit(
    _ module: borrowing Module, _ kind: LLVMCodeGenFileType
  ) throws(Diagnostic) -> [UInt8] {
    var buffer: LLVMMemoryBufferRef?
    var message: UnsafeMutablePointer<CChar>?
    let failed = LLVMTargetMachineEmitToMemoryBuffer(
      machine, module.builder.module, kind, &message, &buffer)
    guard failed == 0, let buffer else {
      defer { LLVMDisposeMessage(message) }
      throw Diagnostic(
        "LLVM could not emit code", notes: message.map { [String(cString: $0)] } ?? [])
    }
    defer { LLVMDisposeMemoryBuffer(buffer) }
    return Array(
      UnsafeRawBufferPointer(
        start: LLVMGetBufferStart(buffer), count: LLVMGetBufferSize(buffer)))
  }
}
