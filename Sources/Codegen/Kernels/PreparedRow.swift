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

extension PreparedRow {
  func place(_ b: Builder, _ row: Value) -> Value { b.multiply(row, b.constant(stride * 4)) }
}
