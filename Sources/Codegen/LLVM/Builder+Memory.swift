internal import CLLVM
import IR

/// Addresses, loads and stores.
extension Builder {
  /// The address `bytes` beyond `base`.
  func offset(_ base: Value, _ bytes: Value) -> Value {
    var indices: [LLVMValueRef?] = [bytes.reference]
    return Value(
      reference: LLVMBuildInBoundsGEP2(builder, i8.reference, base.reference, &indices, 1, ""))
  }

  /// The address `bytes` beyond `base`.
  func offset(_ base: Value, bytes: Int) -> Value {
    bytes == 0 ? base : offset(base, constant(bytes))
  }

  /// The bytes from one address to another.
  func distance(from base: Value, to address: Value) -> Value {
    let ends = [address, base].map { LLVMBuildPtrToInt(builder, $0.reference, i64.reference, "") }
    return Value(reference: LLVMBuildSub(builder, ends[0], ends[1], Self.wrapping))
  }

  /// The address of element `index` (of floats) beyond `base`.
  func element(_ base: Value, _ index: Value) -> Value {
    offset(base, multiply(index, constant(4)))
  }

  /// Loads a value of this type from `address`, aligned to `alignment` bytes.
  func load(_ type: ValueType, _ address: Value, alignment: Int = 4) -> Value {
    let typed = bitcast(address, to: pointer(to: type))
    let value: LLVMValueRef = LLVMBuildLoad2(builder, type.reference, typed.reference, "")
    LLVMSetAlignment(value, UInt32(alignment))
    return Value(reference: value)
  }

  /// Stores a value to `address`, aligned to `alignment` bytes.
  func store(_ value: Value, _ address: Value, alignment: Int = 4) {
    let typed = bitcast(address, to: pointer(to: type(of: value)))
    let store = LLVMBuildStore(builder, value.reference, typed.reference)
    LLVMSetAlignment(store, UInt32(alignment))
  }

  /// Memory that lasts as long as the function runs; to be asked for outside of loops.
  func stackMemory(bytes: Int, alignment: Int) -> Value {
    let type = LLVMArrayType(i8.reference, UInt32(bytes))
    let memory: LLVMValueRef = LLVMBuildAlloca(builder, type, "")
    LLVMSetAlignment(memory, UInt32(alignment))
    return bitcast(Value(reference: memory), to: pointer)
  }

  /// Loads the first `count` of `lanes` floats; the others are zero and their memory is not read.
  func loadFloats(_ address: Value, _ lanes: Int, count: Int) -> Value {
    loadMasked(floats(lanes), address, count: count, alignment: 4)
  }

  /// Stores the first `count` lanes of `value`.
  func storeFloats(_ value: Value, _ address: Value, count: Int) {
    storeMasked(value, address, count: count, alignment: 4)
  }

  /// Loads the first `count` lanes of a vector; the others are zero and their memory is not read.
  func loadMasked(_ type: ValueType, _ address: Value, count: Int, alignment: Int) -> Value {
    let zero = Value(reference: LLVMConstNull(type.reference))
    let lanes = lanes(of: zero)
    guard count < lanes else { return load(type, address, alignment: alignment) }
    let typed = bitcast(address, to: pointer(to: type))
    return intrinsic(
      "llvm.masked.load", [type, self.type(of: typed)],
      [typed, constant32(alignment), mask(first: count, of: lanes), zero])
  }

  /// Stores the first `count` lanes of a vector.
  func storeMasked(_ value: Value, _ address: Value, count: Int, alignment: Int) {
    let lanes = lanes(of: value)
    guard count < lanes else { return store(value, address, alignment: alignment) }
    let typed = bitcast(address, to: pointer(to: type(of: value)))
    _ = intrinsic(
      "llvm.masked.store", [type(of: value), type(of: typed)],
      [value, typed, constant32(alignment), mask(first: count, of: lanes)])
  }

  /// Asks for the cache line at `address` to be brought into the L2 cache for reading.
  func prefetchL2(_ address: Value) {
    prefetch(address, locality: 2)
  }

  /// Asks for the cache line at `address` to be brought into the L1 cache for reading.
  func prefetchL1(_ address: Value) {
    prefetch(address, locality: 3)
  }

  /// Loads the first `count` of `lanes` elements as floats; the others are zero and their memory is
  /// not read.
  func loadElements(_ element: ElementType, _ address: Value, _ lanes: Int, count: Int) -> Value {
    element.storedFormat.load(self, address, lanes, count: count)
  }

  /// Stores the first `count` lanes of floats, rounded to `element`.
  func storeElements(_ element: ElementType, _ value: Value, _ address: Value, count: Int) {
    element.storedFormat.store(self, value, address, count: count)
  }

  private func prefetch(_ address: Value, locality: Int) {
    _ = intrinsic(
      "llvm.prefetch", [type(of: address)],
      [address, constant32(0), constant32(locality), constant32(1)])
  }

  /// Keeps loads and stores from being moved across this place, and the making of `values` after
  /// it; emits no instruction.
  ///
  /// LLVM's scheduler brings loads of neighbouring addresses together, which in a register tile
  /// costs the few registers that are left and spills accumulators in the innermost loop.
  func orderMemory(after values: [Value]) -> [Value] {
    let register = target.isX86 ? (target.lanes == 16 ? "v" : "x") : "w"
    var types: [LLVMTypeRef?] = values.map { LLVMTypeOf($0.reference) }
    let result =
      types.count == 1 ? types[0] : LLVMStructTypeInContext(context, &types, UInt32(types.count), 0)
    let signature = LLVMFunctionType(result, &types, UInt32(types.count), 0)
    let constraints =
      values.map { _ in "=\(register)" } + values.indices.map { "\($0)" } + ["~{memory}"]
    var text: [CChar] = []
    var rules = Array(constraints.joined(separator: ",").utf8CString.dropLast())
    let assembly = LLVMGetInlineAsm(
      signature, &text, 0, &rules, rules.count, 1, 0, LLVMInlineAsmDialectATT, 0)
    var arguments: [LLVMValueRef?] = values.map(\.reference)
    let call: LLVMValueRef = LLVMBuildCall2(
      builder, signature, assembly, &arguments, UInt32(arguments.count), "")
    guard values.count > 1 else { return [Value(reference: call)] }
    return values.indices.map {
      Value(reference: LLVMBuildExtractValue(builder, call, UInt32($0), ""))
    }
  }

  /// Calls an intrinsic that is not overloaded, with arguments of the types' sizes: LLVM 14 says
  /// integers where later ones say bf16.
  func callAsDeclared(_ name: String, _ arguments: [Value]) -> Value {
    let id = LLVMLookupIntrinsicID(name, name.utf8.count)
    let type = LLVMIntrinsicGetType(context, id, nil, 0)
    var parameters: [LLVMTypeRef?] = Array(repeating: nil, count: arguments.count)
    LLVMGetParamTypes(type, &parameters)
    var cast: [Value] = []
    for (argument, parameter) in zip(arguments, parameters) {
      guard let parameter else { continue }
      cast.append(bitcast(argument, to: ValueType(reference: parameter)))
    }
    return intrinsic(name, [], cast)
  }

  /// Calls an LLVM intrinsic, its name without the type suffix; `types` are the overloaded ones.
  func intrinsic(_ name: String, _ types: [ValueType], _ arguments: [Value]) -> Value {
    let id = LLVMLookupIntrinsicID(name, name.utf8.count)
    var overloads: [LLVMTypeRef?] = types.map(\.reference)
    let function = LLVMGetIntrinsicDeclaration(module, id, &overloads, overloads.count)
    let type = LLVMIntrinsicGetType(context, id, &overloads, overloads.count)
    var references: [LLVMValueRef?] = arguments.map(\.reference)
    return Value(
      reference: LLVMBuildCall2(
        builder, type, function, &references, UInt32(references.count), ""))
  }
}
