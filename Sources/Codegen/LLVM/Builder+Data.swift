internal import CLLVM

/// Constant data.
extension Builder {
  /// A member of a constant struct.
  enum Member {
    /// The size of the whole struct in bytes, 64 bits wide: always the first member.
    case size
    /// 64 bits.
    case wide(Int)
    /// 32 bits.
    case narrow(Int)
    case value(Value)
  }

  var null: Value { Value(reference: LLVMConstNull(pointer.reference)) }

  /// The same address as a plain pointer: a change of type for LLVM 14 only.
  func asPointer(_ constant: Value) -> Value {
    Value(reference: LLVMConstBitCast(constant.reference, pointer.reference))
  }

  func constantArray(_ elements: [Value], of type: ValueType) -> Value {
    var references: [LLVMValueRef?] = elements.map(\.reference)
    return Value(reference: LLVMConstArray(type.reference, &references, UInt32(elements.count)))
  }

  /// A constant struct laid out as C does.
  func constantStruct(_ members: [Member]) -> Value {
    func build(size: Value) -> LLVMValueRef {
      var references: [LLVMValueRef?] = members.map { member in
        switch member {
        case .size: size.reference
        case .wide(let value): constant(value).reference
        case .narrow(let value): constant32(value).reference
        case .value(let value): value.reference
        }
      }
      return LLVMConstStructInContext(context, &references, UInt32(references.count), 0)
    }
    // Every target is LP64, and a 64-bit constant does not change the layout that it measures.
    let type = LLVMTypeOf(build(size: constant(0)))
    return Value(reference: build(size: constant(CLayout.size(of: type))))
  }

  /// A constant and its address; this module's own, or for the library's other modules as well.
  func global(_ name: String, _ value: Value, shared: Bool = false) -> Value {
    let global: LLVMValueRef = LLVMAddGlobal(module, LLVMTypeOf(value.reference), name)
    LLVMSetInitializer(global, value.reference)
    LLVMSetGlobalConstant(global, 1)
    if shared {
      LLVMSetVisibility(global, LLVMHiddenVisibility)
    } else {
      LLVMSetLinkage(global, LLVMInternalLinkage)
    }
    return asPointer(Value(reference: global))
  }

  /// The address of a text that ends with a zero byte.
  func text(_ text: String) -> Value {
    let bytes = LLVMConstStringInContext(context, text, UInt32(text.utf8.count), 0)
    let global: LLVMValueRef = LLVMAddGlobal(module, LLVMTypeOf(bytes), "text")
    LLVMSetInitializer(global, bytes)
    LLVMSetGlobalConstant(global, 1)
    LLVMSetLinkage(global, LLVMPrivateLinkage)
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr)
    LLVMSetAlignment(global, 1)
    return asPointer(Value(reference: global))
  }

  /// The address of words, little endian as every target is, aligned to 8 bytes.
  func data(_ name: String, _ words: [UInt32]) -> Value {
    let constant = words.withUnsafeBytes { bytes in
      LLVMConstStringInContext(
        context, bytes.assumingMemoryBound(to: CChar.self).baseAddress, UInt32(bytes.count), 1)
    }
    let global: LLVMValueRef = LLVMAddGlobal(module, LLVMTypeOf(constant), name)
    LLVMSetInitializer(global, constant)
    LLVMSetGlobalConstant(global, 1)
    LLVMSetLinkage(global, LLVMInternalLinkage)
    LLVMSetAlignment(global, 8)
    return asPointer(Value(reference: global))
  }

  /// The bytes of a text and a zero byte, as a member of something larger.
  func characters(_ text: String) -> Value {
    Value(reference: LLVMConstStringInContext(context, text, UInt32(text.utf8.count), 0))
  }

  /// An address some bytes behind another, as a constant.
  func constantAddress(_ base: Value, plus bytes: Int) -> Value {
    var index: LLVMValueRef? = constant(bytes).reference
    return asPointer(
      Value(reference: LLVMConstInBoundsGEP2(i8.reference, base.reference, &index, 1)))
  }

  /// The address of data that another object of the same library defines.
  func declareData(_ name: String) -> Value {
    let global: LLVMValueRef = LLVMAddGlobal(module, i8.reference, name)
    LLVMSetGlobalConstant(global, 1)
    LLVMSetVisibility(global, LLVMHiddenVisibility)
    return asPointer(Value(reference: global))
  }

  /// The address of zeroed bytes of each thread's own.
  func threadLocalBytes(_ name: String, count: Int) -> Value {
    let type = LLVMArrayType(i8.reference, UInt32(count))
    let global: LLVMValueRef = LLVMAddGlobal(module, type, name)
    LLVMSetInitializer(global, LLVMConstNull(type))
    LLVMSetLinkage(global, LLVMInternalLinkage)
    LLVMSetThreadLocalMode(global, LLVMGeneralDynamicTLSModel)
    return asPointer(Value(reference: global))
  }

  /// The same module, its next functions compiled for the baseline CPU of the architecture.
  var baseline: Builder {
    Builder(
      context: context, module: module, builder: builder,
      target: target.isX86 ? Target.x86Baseline : target)
  }
}

/// Sizes and alignments of LP64 targets, by the rules of C.
private enum CLayout {
  static func size(of type: LLVMTypeRef?) -> Int { measure(type).size }

  private static func measure(_ type: LLVMTypeRef?) -> (size: Int, alignment: Int) {
    switch LLVMGetTypeKind(type) {
    case LLVMIntegerTypeKind:
      let bytes = Int(LLVMGetIntTypeWidth(type)) / 8
      return (bytes, bytes)
    case LLVMFloatTypeKind: return (4, 4)
    case LLVMArrayTypeKind:
      let element = measure(LLVMGetElementType(type))
      return (element.size * Int(LLVMGetArrayLength(type)), element.alignment)
    case LLVMStructTypeKind:
      var (size, alignment) = (0, 1)
      for index in 0..<LLVMCountStructElementTypes(type) {
        let member = measure(LLVMStructGetTypeAtIndex(type, index))
        size = (size + member.alignment - 1) / member.alignment * member.alignment + member.size
        alignment = max(alignment, member.alignment)
      }
      return ((size + alignment - 1) / alignment * alignment, alignment)
    default: return (8, 8)
    }
  }
}
