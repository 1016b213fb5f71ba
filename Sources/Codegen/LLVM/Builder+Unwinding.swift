internal import CLLVM

/// Calls that may not return but be unwound: those that reach the caller's own code, which may
/// throw a C++ exception.
extension Builder {
  /// Emits a call of a function; where it is unwound, `cleanup` is emitted, and unwinding goes on.
  func callUnwound(
    _ function: Function, _ arguments: [Value], cleanup: () -> Void
  ) -> Value {
    let current = LLVMGetBasicBlockParent(LLVMGetInsertBlock(builder))
    let returned = LLVMAppendBasicBlockInContext(context, current, "returned")
    let unwound = LLVMAppendBasicBlockInContext(context, current, "unwound")
    // The unwinder's functions are there where exceptions are: a program without them may lack
    // the library that has them, and needs none.
    let personality = weakFunction("__gcc_personality_v0", [], returning: i32)
    _ = weakFunction("_Unwind_Resume", [pointer], returning: void)
    LLVMSetPersonalityFn(current, personality)
    var references: [LLVMValueRef?] = arguments.map(\.reference)
    let value: LLVMValueRef = LLVMBuildInvoke2(
      builder, function.type.reference, function.value.reference, &references,
      UInt32(references.count), returned, unwound, "")

    LLVMPositionBuilderAtEnd(builder, unwound)
    var members: [LLVMTypeRef?] = [pointer.reference, i32.reference]
    let type = LLVMStructTypeInContext(context, &members, UInt32(members.count), 0)
    let exception = LLVMBuildLandingPad(builder, type, nil, 0, "")
    LLVMSetCleanup(exception, 1)
    cleanup()
    LLVMBuildResume(builder, exception)
    LLVMPositionBuilderAtEnd(builder, returned)
    return Value(reference: value)
  }

  private func weakFunction(
    _ name: String, _ parameters: [ValueType], returning result: ValueType
  ) -> LLVMValueRef? {
    var types: [LLVMTypeRef?] = parameters.map(\.reference)
    let type = LLVMFunctionType(result.reference, &types, UInt32(types.count), 0)
    let function = LLVMGetNamedFunction(module, name) ?? LLVMAddFunction(module, name, type)
    LLVMSetLinkage(function, LLVMExternalWeakLinkage)
    return function
  }
}
