import Diagnostics
import IR

/// A block of a Transformer whose tokens are the pixels of a map.
protocol StagedBlock: Hashable, Sendable {
  /// Appends it.
  func append(
    _ name: String, _ x: Value, to builder: inout ModelBuilder
  ) throws(Diagnostic) -> Value
  /// The multiply-adds of one image, for pixels of this width.
  func multiplyAdds(dim: Int) -> Int
}
