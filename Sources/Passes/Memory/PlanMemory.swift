import Diagnostics
import IR

extension Pass {
  /// Gives every value its place: constants in the weights, activations in one arena, results in
  /// the caller's buffers.
  ///
  ///     %h: f32[197,3072] = fused_linear %x, %w, %b {bias = true, columns = 3072}
  /// becomes
  ///     %h: f32[197,3072] @arena+620544:3088 = fused_linear %x, %w, %b {…}
  ///
  /// - Slices and reshapes lie inside their operand, operands of a concatenation inside its result;
  ///   where that cannot be, `copy` is inserted.
  /// - A result of the graph is written where the caller wants it if nothing else reads it, else it
  ///   is copied there.
  /// - A fused linear layer writes over its residual if that is read for the last time there.
  /// - Rows are padded by one cache line, so that no stride is a multiple of 4 KB.
  /// - Results that nobody reads are given no place, but for the first one of a node.
  /// - Panels lie in the order in which they are read; what else code reads lies after them
  ///   likewise.
  ///
  /// It never declines; `arenaBytes` and `weightsBytes` of the planned graph say what it takes.
  public static let planMemory = Pass(
    "plan-memory", "a place for every value", from: .fused, to: .planned, plan)
}

@Sendable private func plan(
  _ graph: Graph, _ context: inout PassContext
) throws(Diagnostic) -> Graph {
  let prepared = try graph.insertingCopies(&context).copyingSharedResults(&context)
  let assignment = BufferAssignment(prepared)
  let offsets = ArenaPacking.offsets(
    of: assignment.buffers.map {
      ArenaPacking.Request(sizeBytes: $0.isArena ? $0.sizeBytes : 0, live: $0.live)
    })
  var placements = WeightLayout.placements(prepared)
  for value in prepared.values {
    guard let slot = assignment.slots[value] else { continue }
    let buffer = assignment.buffers[slot.buffer]
    placements[value] = Placement(
      buffer.space, offsetBytes: slot.offsetBytes + (buffer.isArena ? offsets[slot.buffer] : 0),
      rowStride: slot.rowStride)
  }
  let placed = prepared.values.map { placements[$0] }
  context.count(placed.count { $0 != nil })
  return prepared.placed(placed)
}
