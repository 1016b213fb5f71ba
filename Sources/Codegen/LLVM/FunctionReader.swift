internal import CLLVM

/// Reads the functions of a module as words that can be compared.
///
/// Every instruction gives its opcode, its type, its operands and what else it has; a value of the
/// function is a number in its order, a type and a constant are the number of their text, a
/// function that of its name. What is not known here makes the function one that cannot be
/// compared, so that a new kind of instruction costs time, not correctness; the tests hold the
/// result to LLVM's text. Left out are the attributes of functions, in which only the instruction
/// set can differ, and metadata, all of which says the same
/// (``Builder/forLoop(from:to:step:carrying:_:)``). Flags of instructions that ``Builder`` never
/// sets, such as fast-math, are not read.
struct FunctionReader {
  private let texts: TextNumbers
  private let module: LLVMModuleRef
  private var types: [LLVMTypeRef: Int] = [:]
  private var constants: [LLVMValueRef: Int] = [:]
  // Of the function that is read.
  private var locals: [LLVMValueRef: Int] = [:]
  private var words: [Int] = []
  private var callees: Set<String> = []
  private var isKnown = true

  init(_ module: LLVMModuleRef, _ texts: TextNumbers) {
    (self.module, self.texts) = (module, texts)
  }

  /// Reads all functions that have a body.
  mutating func code() -> ModuleCode {
    var code = ModuleCode()
    for function in LLVMSequence(LLVMGetFirstFunction(module), LLVMGetNextFunction)
    where LLVMCountBasicBlocks(function) > 0 {
      code.set(Module.name(of: function), read(function))
    }
    return code
  }

  private mutating func read(_ function: LLVMValueRef) -> ModuleCode.Function? {
    (locals, words, callees, isKnown) = ([:], [], [], true)
    let blocks = Array(LLVMSequence(LLVMGetFirstBasicBlock(function), LLVMGetNextBasicBlock))
    // Numbers first: a phi names what comes later.
    for index in 0..<LLVMCountParams(function) { number(LLVMGetParam(function, index)) }
    for block in blocks {
      number(LLVMBasicBlockAsValue(block))
      for instruction in instructions(block) { number(instruction) }
    }
    words.append(type(LLVMGlobalGetValueType(function)))
    for index in 0...LLVMCountParams(function) { attributes(function, LLVMAttributeIndex(index)) }
    for block in blocks {
      words.append(-1)
      for instruction in instructions(block) { read(instruction: instruction) }
    }
    return isKnown ? ModuleCode.Function(words: words, callees: callees) : nil
  }

  private func instructions(_ block: LLVMBasicBlockRef) -> LLVMSequence<LLVMValueRef> {
    LLVMSequence(LLVMGetFirstInstruction(block), LLVMGetNextInstruction)
  }

  private mutating func number(_ value: LLVMValueRef?) {
    if let value { locals[value] = locals.count }
  }

  private mutating func read(instruction: LLVMValueRef) {
    let opcode = LLVMGetInstructionOpcode(instruction)
    let count = LLVMGetNumOperands(instruction)
    words += [Int(opcode.rawValue), type(LLVMTypeOf(instruction)), Int(count)]
    for index in 0..<count { operand(LLVMGetOperand(instruction, UInt32(index))) }
    switch opcode {
    case LLVMICmp: words.append(Int(LLVMGetICmpPredicate(instruction).rawValue))
    case LLVMFCmp: words.append(Int(LLVMGetFCmpPredicate(instruction).rawValue))
    case LLVMLoad, LLVMStore:
      words += [
        Int(LLVMGetAlignment(instruction)), Int(LLVMGetVolatile(instruction)),
        Int(LLVMGetOrdering(instruction).rawValue),
      ]
    case LLVMAlloca:
      words += [type(LLVMGetAllocatedType(instruction)), Int(LLVMGetAlignment(instruction))]
    case LLVMGetElementPtr:
      words += [
        type(LLVMGetGEPSourceElementType(instruction)), Int(LLVMIsInBounds(instruction)),
      ]
    case LLVMShuffleVector:
      for index in 0..<LLVMGetNumMaskElements(instruction) {
        words.append(Int(LLVMGetMaskValue(instruction, index)))
      }
    case LLVMExtractValue:
      let indices = LLVMGetIndices(instruction)
      for index in 0..<Int(LLVMGetNumIndices(instruction)) {
        words.append(Int(indices?[index] ?? 0))
      }
    case LLVMPHI:
      for index in 0..<LLVMCountIncoming(instruction) {
        operand(LLVMBasicBlockAsValue(LLVMGetIncomingBlock(instruction, index)))
      }
    case LLVMAtomicRMW:
      words += [
        Int(LLVMGetAtomicRMWBinOp(instruction).rawValue),
        Int(LLVMGetOrdering(instruction).rawValue), Int(LLVMIsAtomicSingleThread(instruction)),
      ]
    case LLVMCall:
      words += [
        type(LLVMGetCalledFunctionType(instruction)), Int(LLVMIsTailCall(instruction)),
        Int(LLVMGetInstructionCallConv(instruction)),
      ]
      // Nobody gives attributes to a call (the largest index), its result (0) or its arguments.
      let places = [LLVMAttributeIndex.max] + Array(0...LLVMGetNumArgOperands(instruction))
      if places.contains(where: { LLVMGetCallSiteAttributeCount(instruction, $0) > 0 }) {
        isKnown = false
      }
    case LLVMAdd, LLVMSub, LLVMMul:
      words.append(Module.name(of: instruction).hasPrefix(Builder.wrapping) ? 1 : 0)
    case LLVMRet, LLVMBr, LLVMSwitch, LLVMUnreachable, LLVMSelect, LLVMExtractElement,
      LLVMInsertElement, LLVMFNeg, LLVMFAdd, LLVMFSub, LLVMFMul,
      LLVMUDiv, LLVMSDiv, LLVMFDiv, LLVMURem, LLVMSRem, LLVMShl, LLVMLShr, LLVMAShr, LLVMAnd,
      LLVMOr, LLVMXor, LLVMTrunc, LLVMZExt, LLVMSExt, LLVMFPToUI, LLVMFPToSI, LLVMUIToFP,
      LLVMSIToFP, LLVMFPTrunc, LLVMFPExt, LLVMPtrToInt, LLVMIntToPtr, LLVMBitCast:
      break
    default: isKnown = false
    }
  }

  private mutating func operand(_ value: LLVMValueRef?) {
    guard let value else { return isKnown = false }
    if let local = locals[value] {
      words += [0, local]
    } else if LLVMIsAFunction(value) != nil {
      let name = Module.name(of: value)
      if LLVMCountBasicBlocks(value) > 0 { callees.insert(name) }
      words += [1, texts[name]]
    } else if let known = constants[value] {
      words += [2, known]
    } else if LLVMIsAConstantExpr(value) != nil {
      constantExpression(value)
    } else if let text = constantText(value) {
      let number = texts[text]
      constants[value] = number
      words += [2, number]
    } else {
      isKnown = false
    }
  }

  /// An address in data: LLVM 14 sees them through other types of pointers.
  private mutating func constantExpression(_ value: LLVMValueRef) {
    let (opcode, count) = (LLVMGetConstOpcode(value), LLVMGetNumOperands(value))
    words += [3, Int(opcode.rawValue), type(LLVMTypeOf(value)), Int(count)]
    for index in 0..<count { operand(LLVMGetOperand(value, UInt32(index))) }
    switch opcode {
    case LLVMBitCast: break
    case LLVMGetElementPtr:
      words += [type(LLVMGetGEPSourceElementType(value)), Int(LLVMIsInBounds(value))]
    default: isKnown = false
    }
  }

  /// What a constant is, or the data that it leads to; `nil`: what is not known.
  private func constantText(_ value: LLVMValueRef) -> String? {
    if LLVMIsAInlineAsm(value) != nil { return text(LLVMPrintValueToString(value)) }
    guard let data = LLVMIsAGlobalVariable(value) else {
      let isPlain = LLVMIsConstant(value) != 0 && !leadsElsewhere(value)
      return isPlain ? text(LLVMPrintValueToString(value)) : nil
    }
    // A table of this module's own is as good as one of another's with the same bytes.
    guard LLVMIsGlobalConstant(data) != 0, LLVMGetLinkage(data) == LLVMInternalLinkage,
      let bytes = LLVMGetInitializer(data)
    else { return nil }
    return "data aligned to \(LLVMGetAlignment(data)): " + text(LLVMPrintValueToString(bytes))
  }

  /// `true` iff a constant has an address in it, whose name would not say what is there.
  private func leadsElsewhere(_ constant: LLVMValueRef) -> Bool {
    (0..<max(0, LLVMGetNumOperands(constant))).contains { index in
      guard let part = LLVMGetOperand(constant, UInt32(index)) else { return true }
      return LLVMIsAGlobalValue(part) != nil || LLVMIsAConstantExpr(part) != nil
        || leadsElsewhere(part)
    }
  }

  private mutating func type(_ type: LLVMTypeRef?) -> Int {
    guard let type else {
      isKnown = false
      return 0
    }
    if let known = types[type] { return known }
    let number = texts[text(LLVMPrintTypeToString(type))]
    types[type] = number
    return number
  }

  /// The attributes of the result or of a parameter.
  private mutating func attributes(_ function: LLVMValueRef, _ index: LLVMAttributeIndex) {
    let count = LLVMGetAttributeCountAtIndex(function, index)
    words.append(Int(count))
    guard count > 0 else { return }
    var attributes = [LLVMAttributeRef?](repeating: nil, count: Int(count))
    LLVMGetAttributesAtIndex(function, index, &attributes)
    for attribute in attributes {
      guard let attribute, LLVMIsEnumAttribute(attribute) != 0 else { return isKnown = false }
      words += [
        Int(LLVMGetEnumAttributeKind(attribute)),
        Int(truncatingIfNeeded: LLVMGetEnumAttributeValue(attribute)),
      ]
    }
  }

  private func text(_ text: UnsafeMutablePointer<CChar>?) -> String {
    defer { LLVMDisposeMessage(text) }
    return text.map { String(cString: $0) } ?? ""
  }
}

/// What a C interface lists by a first one and a next.
struct LLVMSequence<Element>: Sequence, IteratorProtocol {
  private var following: Element?
  private let step: (Element?) -> Element?

  init(_ first: Element?, _ step: @escaping (Element?) -> Element?) {
    (following, self.step) = (first, step)
  }

  mutating func next() -> Element? {
    defer { if let own = following { following = step(own) } }
    return following
  }
}
