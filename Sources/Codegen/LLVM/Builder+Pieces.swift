internal import CLLVM

/// The pieces of a task's share, and how they are taken.
///
/// A task that is through with its own share takes pieces of others, so that a core that is slower,
/// or has other work too, holds nobody up (work stealing: Blumofe and Leiserson 1999, "Scheduling
/// multithreaded computations by work stealing", section 1). Which task does a piece changes no bit
/// of it.
struct Pieces {
  /// The address of the share's counter: how many of its pieces have been taken.
  ///
  /// Null: nobody else takes any, and none is counted.
  let counter: Value
  /// How many pieces are left to others.
  ///
  /// A piece costs whoever comes from another share more, since what it reads must be made ready
  /// first; the last one is not worth that.
  let spare: Value

  init<P: PieceParameter>(_ p: Arguments<P>) {
    (counter, spare) = (p[.pieces], p[.spare])
  }
}

extension Builder {
  /// Emits `body` for each piece that a task gets of a share whose pieces are a panel and a block
  /// of rows each, all panels of a block together; `isNew` where the block is another than before.
  func forEach(
    _ pieces: Pieces, blocks: Value, panels: (first: Value, end: Value),
    carrying initial: [Value] = [],
    _ body: (_ block: Value, _ isNew: Value, _ panel: Value, _ carried: [Value]) -> [Value]
  ) {
    let own = subtract(panels.end, panels.first)
    forEach(pieces, of: multiply(blocks, own), carrying: [constant(-1)] + initial) {
      piece, carried in
      let block = divide(piece, own)
      let panel = add(panels.first, remainder(piece, own))
      return [block] + body(block, notEqual(block, carried[0]), panel, Array(carried[1...]))
    }
  }

  /// Emits `body` for each piece that a task gets of so many, carrying values from one to the next.
  func forEach(
    _ pieces: Pieces, of total: Value, carrying initial: [Value] = [],
    _ body: (_ piece: Value, _ carried: [Value]) -> [Value]
  ) {
    let entry = LLVMGetInsertBlock(builder)
    let function = LLVMGetBasicBlockParent(entry)
    func block(_ name: String) -> LLVMBasicBlockRef? {
      LLVMAppendBasicBlockInContext(context, function, name)
    }
    let (next, shared, taken) = (block("next"), block("shared"), block("taken"))
    let (found, piece, done) = (block("found"), block("piece"), block("done"))
    LLVMBuildBr(builder, next)

    LLVMPositionBuilderAtEnd(builder, next)
    let own: LLVMValueRef = LLVMBuildPhi(builder, i64.reference, "own")
    let phis: [LLVMValueRef] = initial.map {
      LLVMBuildPhi(builder, LLVMTypeOf($0.reference), "")
    }
    LLVMBuildCondBr(builder, equal(pieces.counter, null).reference, found, shared)

    // A look before the claim: what has no pieces is only read, which all may do at a time.
    LLVMPositionBuilderAtEnd(builder, shared)
    let counter = bitcast(pieces.counter, to: pointer(to: i32)).reference
    let seen: LLVMValueRef = LLVMBuildLoad2(builder, i32.reference, counter, "")
    LLVMSetAlignment(seen, 4)
    LLVMSetOrdering(seen, LLVMAtomicOrderingMonotonic)
    let before = add(zeroExtend(Value(reference: seen), to: i64), pieces.spare)
    LLVMBuildCondBr(builder, less(before, total).reference, taken, done)

    LLVMPositionBuilderAtEnd(builder, taken)
    let claim: LLVMValueRef = LLVMBuildAtomicRMW(
      builder, LLVMAtomicRMWBinOpAdd, counter, constant32(1).reference,
      LLVMAtomicOrderingMonotonic, 0)
    let claimed = zeroExtend(Value(reference: claim), to: i64)
    LLVMBuildBr(builder, found)

    LLVMPositionBuilderAtEnd(builder, found)
    let index: LLVMValueRef = LLVMBuildPhi(builder, i64.reference, "i")
    connect(index, [(Value(reference: own), next), (claimed, taken)])
    let current = Value(reference: index)
    LLVMBuildCondBr(builder, less(current, total).reference, piece, done)

    LLVMPositionBuilderAtEnd(builder, piece)
    let results = body(current, phis.map { Value(reference: $0) })
    let following = add(Value(reference: own), constant(1))
    let latch = LLVMGetInsertBlock(builder)
    LLVMBuildBr(builder, next)
    connect(own, [(constant(0), entry), (following, latch)])
    for (phi, (first, result)) in zip(phis, zip(initial, results)) {
      connect(phi, [(first, entry), (result, latch)])
    }
    LLVMPositionBuilderAtEnd(builder, done)
  }
}
