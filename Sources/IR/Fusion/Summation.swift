import Diagnostics

/// How long sums are added up: in blocks, each a chain of additions by itself, whose sums are added
/// in turn.
///
/// Longer chains are faster, and their error is larger.
public struct Summation: Hashable, Sendable {
  /// The most words of 32 bits in a block; `nil`: as many as the kernels take by themselves.
  public var block: Int?

  /// Creates a summation.
  public init(block: Int? = nil) { self.block = block }

  /// Reads what `write` writes, consuming it.
  init(reading attributes: inout Attributes) throws(Diagnostic) {
    block = try attributes.optionalInteger("sum_block")
  }

  func write(to list: inout Attributes) {
    if let block { list.set("sum_block", .integer(block)) }
  }

  /// What is wrong with it, if anything is.
  var problem: String? {
    guard let block, block < 1 else { return nil }
    return "sum_block: expected at least 1, found \(block)"
  }
}
