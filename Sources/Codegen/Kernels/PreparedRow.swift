import IR

/// How a task makes its own rows of a fused linear layer's left matrix ready for the products.
///
/// They go into private memory, while their norms are found: residual streams stay f32, and no
/// second copy of them passes between the cores.
protocol PreparedRow {
  /// Groups from one prepared row to the next.
  var stride: Int { get }
  /// The numbers that scale the products of each row.
  var scaleCount: Int { get }
  /// Memory besides the rows, in bytes.
  var scratchBytes: Int { get }
  /// Emits how far prepared row `row` is from the first, in bytes.
  func place(_ b: Builder, _ row: Value) -> Value
  /// Emits it for the row at `address`; what scales its products goes to `scales`.
  func emit(_ b: Builder, _ address: Value, to target: Value, scales: Value, scratch: Value)
}

/// A row whose groups, which are there or made by another preparation, are laid out anew.
protocol ArrangedRow: PreparedRow {
  /// The type of the products, and the elements of the row.
  var operand: ElementType { get }
  var columns: Int { get }
  /// What makes the row's groups; `nil`: the row has them.
  var inner: (any PreparedRow)? { get }
  /// Emits the stores of a vector of groups, which begin `bytes` after the row's first.
  func store(_ b: Builder, _ groups: Value, at bytes: Value, to target: Value)
}

extension ArrangedRow {
  var groups: Int { operand.format.groups(columns) }
  var scaleCount: Int { inner?.scaleCount ?? 0 }
  var scratchBytes: Int { inner.map { $0.stride * 4 + $0.scratchBytes } ?? 0 }

  /// Emits it; up to a vector of words after the last group becomes zero, in the row's padding.
  func emit(_ b: Builder, _ address: Value, to target: Value, scales: Value, scratch: Value) {
    if let inner {
      inner.emit(
        b, address, to: scratch, scales: scales,
        scratch: b.offset(scratch, bytes: inner.stride * 4))
    }
    let source = inner == nil ? address : scratch
    let words = b.vector(b.target.lanes, of: b.i32)
    b.visitRow(columns: groups) { bytes, count in
      let groups = b.loadMasked(words, b.offset(source, bytes), count: count, alignment: 4)
      store(b, groups, at: bytes, to: target)
    }
  }
}

extension PreparedRow {
  func place(_ b: Builder, _ row: Value) -> Value { b.multiply(row, b.constant(stride * 4)) }
}
