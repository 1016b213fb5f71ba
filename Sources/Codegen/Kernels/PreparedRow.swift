import IR

/// How a task makes its own rows of a contraction's left matrix ready for the products.
///
/// They go into private memory, while their norms are found: residual streams stay f32, and no
/// second copy of them passes between the cores.
protocol PreparedRow {
  /// Words from one prepared row to the next.
  var stride: Int { get }
  /// The factors of each row.
  var factorCount: Int { get }
  /// Memory besides the rows, in bytes.
  var scratchBytes: Int { get }
  /// Emits it for the row at `address`; the row's factors go to `factors`.
  func emit(_ b: Builder, _ address: Value, to target: Value, factors: Value, scratch: Value)
}

extension PreparedRow {
  /// Words from one row of so many bytes to the next: whole cache lines, one of them padding, and
  /// never a multiple of 4 KB.
  static func stride(bytes: Int) -> Int {
    let padded = ((bytes + 63) / 64 + 1) * 16
    return padded * 4 % 4096 == 0 ? padded + 16 : padded
  }
}
