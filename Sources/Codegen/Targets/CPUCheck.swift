internal import CLLVM

/// Emits the question "does this CPU, with this kernel, run the code of this target?".
enum CPUCheck {
  /// One register of CPUID that must have certain bits.
  private struct Requirement {
    let leaf: Int
    let subleaf: Int
    /// 0...3: EAX, EBX, ECX, EDX.
    let register: Int
    let bits: [Int]
  }

  /// The bits of the x86-64 levels.
  ///
  /// Intel SDM volume 2A, CPUID; System V psABI for AMD64, table 3.1.
  private static func requirements(of target: Target) -> [Requirement] {
    // Leaf 1, ECX: SSE3 0, SSSE3 9, CMPXCHG16B 13, SSE4.1 19, SSE4.2 20, POPCNT 23.
    var all = [Requirement(leaf: 1, subleaf: 0, register: 2, bits: [0, 9, 13, 19, 20, 23])]
    if target.lanes >= 8 {
      // Leaf 1, ECX: FMA 12, MOVBE 22, OSXSAVE 27, AVX 28, F16C 29.
      all.append(Requirement(leaf: 1, subleaf: 0, register: 2, bits: [12, 22, 27, 28, 29]))
      // Leaf 7, EBX: BMI1 3, AVX2 5, BMI2 8. Leaf 0x80000001, ECX: LZCNT 5.
      all.append(Requirement(leaf: 7, subleaf: 0, register: 1, bits: [3, 5, 8]))
      all.append(Requirement(leaf: 0x8000_0001, subleaf: 0, register: 2, bits: [5]))
    }
    if target.lanes >= 16 {
      // Leaf 7, EBX: AVX512F 16, AVX512DQ 17, AVX512CD 28, AVX512BW 30, AVX512VL 31.
      all.append(Requirement(leaf: 7, subleaf: 0, register: 1, bits: [16, 17, 28, 30, 31]))
    }
    return all
  }

  /// Emits `int32_t name(void)`: 1 iff CPUID says all the features and XGETBV says that the kernel
  /// keeps their registers.
  static func emit(_ b: Builder, name: String) -> Function {
    // Compiled for the plainest x86-64: it must itself run anywhere.
    let plain = b.plainest
    return plain.define(name, [], returning: b.i32) { _ in
      guard b.target.isX86 else { return b.returnValue(b.constant32(1)) }
      var supported = b.constant32(1)
      var savesState = false
      // The highest leaves come first: asking beyond them returns some other leaf's data.
      let leaves = cpuid(b, 0, 0)[0]
      let extended = cpuid(b, 0x8000_0000, 0)[0]
      for requirement in requirements(of: b.target) {
        let highest = requirement.leaf >= 0x8000_0000 ? extended : leaves
        let known = b.extend(
          b.notLessUnsigned(highest, b.constant32(requirement.leaf)))
        let value = cpuid(b, requirement.leaf, requirement.subleaf)[requirement.register]
        let bits = requirement.bits.reduce(0) { $0 | 1 << $1 }
        let all = b.extend(b.equal(b.and(value, b.constant32(bits)), b.constant32(bits)))
        supported = b.and(supported, b.and(known, all))
        savesState = savesState || requirement.bits.contains(27)
      }
      if savesState {
        // XCR0: SSE 1, AVX 2; opmask 5, upper halves 6, upper registers 7. XGETBV faults where
        // OSXSAVE is off, hence the branch.
        let wanted = b.target.lanes >= 16 ? 0b1110_0110 : 0b0000_0110
        let ecx = cpuid(b, 1, 0)[2]
        let enabled = b.notEqual(b.and(ecx, b.constant32(1 << 27)), b.constant32(0))
        b.ifThen(b.equal(b.extend(enabled), b.constant32(0))) {
          b.returnEarly(b.constant32(0))
        }
        let state = xgetbv(b)
        let saved = b.extend(b.equal(b.and(state, b.constant32(wanted)), b.constant32(wanted)))
        supported = b.and(supported, saved)
      }
      b.returnValue(supported)
    }
  }

  /// EAX, EBX, ECX and EDX of CPUID.
  private static func cpuid(_ b: Builder, _ leaf: Int, _ subleaf: Int) -> [Value] {
    let result = b.inlineAssembly(
      "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}",
      [b.constant32(leaf), b.constant32(subleaf)], results: 4)
    return (0..<4).map { b.extractMember(result, $0) }
  }

  /// The low half of XCR0; the bytes of `xgetbv`, since the plainest target does not know its name.
  private static func xgetbv(_ b: Builder) -> Value {
    let result = b.inlineAssembly(
      ".byte 0x0f, 0x01, 0xd0", "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}",
      [b.constant32(0)], results: 2)
    return b.extractMember(result, 0)
  }
}

extension Builder {
  fileprivate func extend(_ condition: Value) -> Value {
    Value(reference: LLVMBuildZExt(builder, condition.reference, i32.reference, ""))
  }

  fileprivate func notLessUnsigned(_ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildICmp(builder, LLVMIntUGE, a.reference, b.reference, ""))
  }

  /// Returns from within a branch; what follows in the branch is unreachable.
  fileprivate func returnEarly(_ value: Value) {
    LLVMBuildRet(builder, value.reference)
    let function = LLVMGetBasicBlockParent(LLVMGetInsertBlock(builder))
    LLVMPositionBuilderAtEnd(
      builder, LLVMAppendBasicBlockInContext(context, function, "unreachable"))
  }

  fileprivate func extractMember(_ aggregate: Value, _ index: Int) -> Value {
    Value(reference: LLVMBuildExtractValue(builder, aggregate.reference, UInt32(index), ""))
  }

  /// Calls inline assembly of 32-bit operands with side effects.
  fileprivate func inlineAssembly(
    _ text: String, _ constraints: String, _ operands: [Value], results: Int
  ) -> Value {
    var members: [LLVMTypeRef?] = Array(repeating: i32.reference, count: results)
    let result = LLVMStructTypeInContext(context, &members, UInt32(results), 0)
    var types: [LLVMTypeRef?] = operands.map { LLVMTypeOf($0.reference) }
    let signature = LLVMFunctionType(result, &types, UInt32(types.count), 0)
    var template = Array(text.utf8CString.dropLast())
    var rules = Array(constraints.utf8CString.dropLast())
    let assembly = LLVMGetInlineAsm(
      signature, &template, template.count, &rules, rules.count, 1, 0, LLVMInlineAsmDialectATT, 0)
    var references: [LLVMValueRef?] = operands.map(\.reference)
    return Value(
      reference: LLVMBuildCall2(
        builder, signature, assembly, &references, UInt32(references.count), ""))
  }
}
