internal import CLLVM

/// An SSA value, constant or function of the module in work.
struct Value {
  let reference: LLVMValueRef
}

/// A type of the module in work.
struct ValueType {
  let reference: LLVMTypeRef
}

/// Emits instructions: a thin, typed layer over LLVM's C interface that is the same for LLVM 14
/// (typed pointers) and later ones (opaque pointers).
///
/// Every pointer is an `i8*`, every index an `i64`, every offset counts bytes. The floats follow
/// IEEE 754 as written: no fast-math flag is ever set, fused linear layer is asked for with
/// `multiplyAdd`.
struct Builder {
  let context: LLVMContextRef
  let module: LLVMModuleRef
  let builder: LLVMBuilderRef
  let target: Target
  /// The functions of kernels that the module has for this target.
  let kernels = KernelCache()

  init(
    context: LLVMContextRef!, module: LLVMModuleRef!, builder: LLVMBuilderRef!, target: Target
  ) {
    self.context = context
    self.module = module
    self.builder = builder
    self.target = target
  }

  // MARK: Types

  var void: ValueType { ValueType(reference: LLVMVoidTypeInContext(context)) }
  var i1: ValueType { ValueType(reference: LLVMInt1TypeInContext(context)) }
  var i8: ValueType { ValueType(reference: LLVMInt8TypeInContext(context)) }
  var i16: ValueType { ValueType(reference: LLVMInt16TypeInContext(context)) }
  var i32: ValueType { ValueType(reference: LLVMInt32TypeInContext(context)) }
  var i64: ValueType { ValueType(reference: LLVMInt64TypeInContext(context)) }
  var f32: ValueType { ValueType(reference: LLVMFloatTypeInContext(context)) }
  var bf16: ValueType { ValueType(reference: LLVMBFloatTypeInContext(context)) }
  var pointer: ValueType { pointer(to: i8) }

  /// A pointer type; from LLVM 15 on all are the same.
  func pointer(to type: ValueType) -> ValueType {
    ValueType(reference: LLVMPointerType(type.reference, 0))
  }

  /// A vector of `lanes` elements; the element type itself for one lane.
  func vector(_ lanes: Int, of element: ValueType) -> ValueType {
    lanes == 1 ? element : ValueType(reference: LLVMVectorType(element.reference, UInt32(lanes)))
  }

  /// A vector of `lanes` floats.
  func floats(_ lanes: Int) -> ValueType { vector(lanes, of: f32) }

  func type(of value: Value) -> ValueType {
    ValueType(reference: LLVMTypeOf(value.reference))
  }

  /// The number of lanes of a value; 1 for a scalar.
  func lanes(of value: Value) -> Int {
    let type = LLVMTypeOf(value.reference)
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? Int(LLVMGetVectorSize(type)) : 1
  }

  // MARK: Constants

  func constant(_ value: Int) -> Value {
    Value(reference: LLVMConstInt(i64.reference, UInt64(bitPattern: Int64(value)), 1))
  }

  func constant32(_ value: Int) -> Value {
    Value(reference: LLVMConstInt(i32.reference, UInt64(bitPattern: Int64(value)), 1))
  }

  func float(_ value: Float) -> Value {
    Value(reference: LLVMConstReal(f32.reference, Double(value)))
  }

  /// A constant whose `lanes` lanes are all `value`.
  func floats(_ value: Float, _ lanes: Int) -> Value {
    lanes == 1 ? float(value) : constantVector(Array(repeating: float(value), count: lanes))
  }

  /// An integer constant whose 32-bit `lanes` lanes are all `value`.
  func integers(_ value: Int, _ lanes: Int) -> Value {
    lanes == 1
      ? constant32(value) : constantVector(Array(repeating: constant32(value), count: lanes))
  }

  func constantVector(_ elements: [Value]) -> Value {
    var references: [LLVMValueRef?] = elements.map(\.reference)
    return Value(reference: LLVMConstVector(&references, UInt32(references.count)))
  }

  /// A mask whose first `count` lanes of `lanes` are set.
  func mask(first count: Int, of lanes: Int) -> Value {
    constantVector(
      (0..<lanes).map { Value(reference: LLVMConstInt(i1.reference, $0 < count ? 1 : 0, 0)) })
  }

  // MARK: Any type

  func select(_ condition: Value, _ a: Value, _ b: Value) -> Value {
    Value(reference: LLVMBuildSelect(builder, condition.reference, a.reference, b.reference, ""))
  }

  func bitcast(_ a: Value, to type: ValueType) -> Value {
    Value(reference: LLVMBuildBitCast(builder, a.reference, type.reference, ""))
  }
}
