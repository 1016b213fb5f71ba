internal import CLLVM

/// A function of the module and its type.
struct Function {
  let value: Value
  let type: ValueType
}

/// Functions, loops and branches.
extension Builder {
  /// Defines a function; one that has been declared gets its body.
  ///
  /// The function is never inlined (one body for each kernel is the point of having it) unless it
  /// is exported, and never unwinds; `noalias` parameters are the caller's promise.
  func define(
    _ name: String, _ parameters: [ValueType], returning result: ValueType? = nil,
    noalias: Set<Int> = [], exported: Bool = false, body: ([Value]) -> Void
  ) -> Function {
    var types: [LLVMTypeRef?] = parameters.map(\.reference)
    let type = ValueType(
      reference: LLVMFunctionType((result ?? void).reference, &types, UInt32(types.count), 0))
    let declared = LLVMGetNamedFunction(module, name).flatMap {
      LLVMCountBasicBlocks($0) == 0 ? $0 : nil
    }
    let function: LLVMValueRef = declared ?? LLVMAddFunction(module, name, type.reference)
    LLVMSetLinkage(function, exported ? LLVMExternalLinkage : LLVMInternalLinkage)
    decorate(function, noalias: noalias, exported: exported)
    let caller = LLVMGetInsertBlock(builder)
    LLVMPositionBuilderAtEnd(builder, LLVMAppendBasicBlockInContext(context, function, "entry"))
    body((0..<parameters.count).map { Value(reference: LLVMGetParam(function, UInt32($0))) })
    if result == nil { LLVMBuildRetVoid(builder) }
    if let caller { LLVMPositionBuilderAtEnd(builder, caller) }
    return Function(value: Value(reference: function), type: type)
  }

  /// Declares a function that another object of the same library defines.
  func declare(
    _ name: String, _ parameters: [ValueType], returning result: ValueType
  ) -> Function {
    var types: [LLVMTypeRef?] = parameters.map(\.reference)
    let type = ValueType(
      reference: LLVMFunctionType(result.reference, &types, UInt32(types.count), 0))
    let function: LLVMValueRef =
      LLVMGetNamedFunction(module, name) ?? LLVMAddFunction(module, name, type.reference)
    LLVMSetVisibility(function, LLVMHiddenVisibility)
    return Function(value: Value(reference: function), type: type)
  }

  private func decorate(_ function: LLVMValueRef, noalias: Set<Int>, exported: Bool) {
    func add(_ name: String, at index: Int = -1, value: UInt64 = 0) {
      let kind = LLVMGetEnumAttributeKindForName(name, name.utf8.count)
      LLVMAddAttributeAtIndex(
        function, LLVMAttributeIndex(truncatingIfNeeded: index),
        LLVMCreateEnumAttribute(context, kind, value))
    }
    func add(_ key: String, _ value: String) {
      LLVMAddAttributeAtIndex(
        function, LLVMAttributeIndex(truncatingIfNeeded: -1),
        LLVMCreateStringAttribute(
          context, key, UInt32(key.utf8.count), value, UInt32(value.utf8.count)))
    }
    if !exported {
      add("nounwind")
      add("noinline")
    }
    // Debuggers and profilers find their way, and exceptions of the caller's parallel-for theirs.
    // 2: for every instruction; before LLVM 15 the attribute had no value.
    add("uwtable", value: LLVM_VERSION_MAJOR >= 15 ? 2 : 0)
    for index in noalias.sorted() { add("noalias", at: index + 1) }
    add("target-cpu", target.cpu)
    add("target-features", target.features)
    if target.isX86 {
      add("min-legal-vector-width", "\(target.lanes * 32)")
      add("prefer-vector-width", "\(target.lanes * 32)")
    }
  }

  func returnValue(_ value: Value) { LLVMBuildRet(builder, value.reference) }

  @discardableResult
  func call(_ function: Function, _ arguments: [Value]) -> Value {
    var references: [LLVMValueRef?] = arguments.map(\.reference)
    return Value(
      reference: LLVMBuildCall2(
        builder, function.type.reference, function.value.reference, &references,
        UInt32(references.count), ""))
  }

  /// Emits `for index in stride(from:to:by:)`, carrying values from one round to the next, and
  /// returns what the last round carried.
  ///
  /// LLVM is told not to unroll it: whatever should be unrolled is emitted so.
  @discardableResult
  func forLoop(
    from start: Value, to end: Value, step: Int = 1, carrying initial: [Value] = [],
    _ body: (_ index: Value, _ carried: [Value]) -> [Value]
  ) -> [Value] {
    let entry = LLVMGetInsertBlock(builder)
    let function = LLVMGetBasicBlockParent(entry)
    let loop = LLVMAppendBasicBlockInContext(context, function, "loop")
    let done = LLVMAppendBasicBlockInContext(context, function, "done")
    LLVMBuildCondBr(builder, less(start, end).reference, loop, done)

    LLVMPositionBuilderAtEnd(builder, loop)
    let index: LLVMValueRef = LLVMBuildPhi(builder, i64.reference, "i")
    let phis: [LLVMValueRef] = initial.map {
      LLVMBuildPhi(builder, LLVMTypeOf($0.reference), "")
    }
    let results = body(Value(reference: index), phis.map { Value(reference: $0) })
    let next = add(Value(reference: index), constant(step))
    let again = LLVMBuildCondBr(builder, less(next, end).reference, loop, done)
    disableUnrolling(again)
    let latch = LLVMGetInsertBlock(builder)
    connect(index, [(start, entry), (next, latch)])
    for (phi, (first, result)) in zip(phis, zip(initial, results)) {
      connect(phi, [(first, entry), (result, latch)])
    }

    LLVMPositionBuilderAtEnd(builder, done)
    return zip(initial, results).map { first, result in
      let phi: LLVMValueRef = LLVMBuildPhi(builder, LLVMTypeOf(first.reference), "")
      connect(phi, [(first, entry), (result, latch)])
      return Value(reference: phi)
    }
  }

  /// Emits a walk over `count` things, `step` at a time, then over those that are left, and returns
  /// what the last round carried.
  @discardableResult
  func inSteps(
    of step: Int, count: Int, carrying initial: [Value] = [],
    _ body: (_ first: Value, _ count: Int, _ carried: [Value]) -> [Value]
  ) -> [Value] {
    let whole = count / step * step
    var carried = initial
    if whole > 0 {
      carried = forLoop(
        from: constant(0), to: constant(whole), step: step, carrying: carried
      ) { body($0, step, $1) }
    }
    return whole < count ? body(constant(whole), count - whole, carried) : carried
  }

  func connect(_ phi: LLVMValueRef, _ incoming: [(Value, LLVMBasicBlockRef?)]) {
    var values: [LLVMValueRef?] = incoming.map(\.0.reference)
    var blocks: [LLVMBasicBlockRef?] = incoming.map(\.1)
    LLVMAddIncoming(phi, &values, &blocks, UInt32(values.count))
  }

  /// Attaches `!{!self, !{!"llvm.loop.unroll.disable"}}` to a loop's back edge.
  private func disableUnrolling(_ branch: LLVMValueRef?) {
    let text = "llvm.loop.unroll.disable"
    var words: [LLVMMetadataRef?] = [
      LLVMMDStringInContext2(context, text, text.utf8.count)
    ]
    let option = LLVMMDNodeInContext2(context, &words, 1)
    let placeholder = LLVMTemporaryMDNode(context, nil, 0)
    var operands: [LLVMMetadataRef?] = [placeholder, option]
    let node = LLVMMDNodeInContext2(context, &operands, 2)
    LLVMMetadataReplaceAllUsesWith(placeholder, node)
    let kind = "llvm.loop"
    LLVMSetMetadata(
      branch, LLVMGetMDKindIDInContext(context, kind, UInt32(kind.utf8.count)),
      LLVMMetadataAsValue(context, node))
  }

  /// Emits `body` under a condition.
  func ifThen(_ condition: Value, _ body: () -> Void) {
    let function = LLVMGetBasicBlockParent(LLVMGetInsertBlock(builder))
    let then = LLVMAppendBasicBlockInContext(context, function, "then")
    let end = LLVMAppendBasicBlockInContext(context, function, "end")
    LLVMBuildCondBr(builder, condition.reference, then, end)
    LLVMPositionBuilderAtEnd(builder, then)
    body()
    LLVMBuildBr(builder, end)
    LLVMPositionBuilderAtEnd(builder, end)
  }

  /// Emits a choice among integer `cases`; `value` is one of them, so a single case needs no test.
  func choose(_ value: Value, among cases: [Int], _ body: (Int) -> Void) {
    guard let last = cases.last, cases.count > 1 else {
      if let only = cases.first { body(only) }
      return
    }
    let function = LLVMGetBasicBlockParent(LLVMGetInsertBlock(builder))
    let end = LLVMAppendBasicBlockInContext(context, function, "end")
    let blocks = cases.map { _ in LLVMAppendBasicBlockInContext(context, function, "case") }
    let branch = LLVMBuildSwitch(
      builder, value.reference, blocks[cases.count - 1], UInt32(cases.count - 1))
    for (item, block) in zip(cases, blocks) {
      if item != last { LLVMAddCase(branch, constant(item).reference, block) }
      LLVMPositionBuilderAtEnd(builder, block)
      body(item)
      LLVMBuildBr(builder, end)
    }
    LLVMPositionBuilderAtEnd(builder, end)
  }
}
