internal import CLLVM

/// Functions that objects of one library have in common.
extension Module {
  /// What the module's functions do.
  ///
  /// - Parameter texts: the same for all modules that are compared.
  func code(_ texts: TextNumbers) -> ModuleCode {
    var reader = FunctionReader(builder.module, texts)
    return reader.code()
  }

  /// Leaves functions to other objects of the library, and shows them its own.
  ///
  /// The symbols of all functions get longer, and hidden: a library has each of them once, whatever
  /// instruction sets it is for.
  ///
  /// - Parameters:
  ///   - suffix: what the symbols of its own functions end in.
  ///   - taken: of the functions that another object has, what their symbols there end in.
  func share(as suffix: String, taking taken: [String: String]) {
    let bodies = LLVMSequence(LLVMGetFirstFunction(builder.module), LLVMGetNextFunction)
      .filter { LLVMCountBasicBlocks($0) > 0 }
    for function in bodies {
      let name = Self.name(of: function)
      if let other = taken[name] {
        leave(function, as: name + other)
      } else {
        let symbol = name + suffix
        LLVMSetValueName2(function, symbol, symbol.utf8.count)
        LLVMSetLinkage(function, LLVMExternalLinkage)
        LLVMSetVisibility(function, LLVMHiddenVisibility)
      }
    }
    // The tables of functions that are not here any more.
    let unused = LLVMSequence(LLVMGetFirstGlobal(builder.module), LLVMGetNextGlobal).filter {
      LLVMGetLinkage($0) == LLVMInternalLinkage && LLVMGetFirstUse($0) == nil
    }
    for data in unused { LLVMDeleteGlobal(data) }
  }

  /// Puts a declaration in the place of a function.
  private func leave(_ function: LLVMValueRef, as symbol: String) {
    let declared: LLVMValueRef = LLVMAddFunction(
      builder.module, symbol, LLVMGlobalGetValueType(function))
    LLVMSetVisibility(declared, LLVMHiddenVisibility)
    LLVMReplaceAllUsesWith(function, declared)
    LLVMDeleteFunction(function)
  }

  /// The name of a function or an instruction.
  static func name(of value: LLVMValueRef) -> String {
    var count = 0
    guard let name = LLVMGetValueName2(value, &count) else { return "" }
    return String(
      decoding: UnsafeRawBufferPointer(start: name, count: count), as: UTF8.self)
  }
}
