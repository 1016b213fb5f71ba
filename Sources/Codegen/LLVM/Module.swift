internal import CLLVM
import Diagnostics

/// An LLVM context, one module in it, and the builder that fills it: one compiled model.
///
/// Everything is disposed of together; values of the builder must not outlive it.
struct Module: ~Copyable {
  /// What emits instructions into this module.
  let builder: Builder

  /// Creates an empty module for `target`.
  init(name: String, target: Target) {
    let context = LLVMContextCreate()
    let module = LLVMModuleCreateWithNameInContext(name, context)
    LLVMSetTarget(module, target.triple)
    builder = Builder(
      context: context, module: module, builder: LLVMCreateBuilderInContext(context),
      target: target)
  }

  deinit {
    LLVMDisposeBuilder(builder.builder)
    LLVMDisposeModule(builder.module)
    LLVMContextDispose(builder.context)
  }

  /// The module's text form.
  var text: String {
    guard let text = LLVMPrintModuleToString(builder.module) else { return "" }
    defer { LLVMDisposeMessage(text) }
    return String(cString: text)
  }

  /// Checks LLVM's own rules; a failure is a defect of the code generator, told as a diagnostic.
  func verify() throws(Diagnostic) {
    var message: UnsafeMutablePointer<CChar>?
    let failed = LLVMVerifyModule(builder.module, LLVMReturnStatusAction, &message)
    defer { LLVMDisposeMessage(message) }
    guard failed != 0 else { return }
    let text = message.map { String(cString: $0) } ?? "no reason given"
    throw Diagnostic(
      "generated code breaks a rule of LLVM", notes: [text],
      hint: "this is a defect of vitc; please report it")
  }
}
