import Diagnostics
import IR

/// A checkpoint of which some tensors are called otherwise, and others are treated as absent.
struct RenamedCheckpoint: Checkpoint {
  private let base: any Checkpoint
  /// The names in `base` by those here.
  private let stored: [String: String]

  let names: [String]
  let notes: [String]
  var path: String { base.path }

  /// Shows the tensors of `base` that are values of `stored`, by its keys.
  init(_ base: any Checkpoint, stored: [String: String], notes: [String]) {
    self.base = base
    self.stored = stored
    self.notes = base.notes + notes
    names = stored.keys.sorted()
  }

  func type(of name: String) -> StoredType? { stored[name].flatMap { base.type(of: $0) } }

  func read(_ name: String) throws(Diagnostic) -> Tensor {
    guard let place = stored[name] else { throw missing(name) }
    return try base.read(place)
  }

  func read(_ name: String, part: Int) throws(Diagnostic) -> Tensor {
    guard let place = stored[name] else { throw missing(name) }
    return try base.read(place, part: part)
  }

  func integers(_ name: String) throws(Diagnostic) -> [Int]? {
    guard let place = stored[name] else { return nil }
    return try base.integers(place)
  }

  func fault(of name: String) -> Diagnostic? { stored[name].flatMap { base.fault(of: $0) } }
}
