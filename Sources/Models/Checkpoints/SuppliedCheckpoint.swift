import Diagnostics
import IR

/// A checkpoint with a head beside it that is not its own.
struct SuppliedCheckpoint: Checkpoint {
  private let base: any Checkpoint
  private let head: SuppliedHead

  init(_ base: any Checkpoint, _ head: SuppliedHead) {
    self.base = base
    self.head = head
  }

  var path: String { base.path }
  var names: [String] {
    (base.names + [SuppliedHead.weightName, SuppliedHead.biasName]).sorted()
  }
  var notes: [String] { base.notes }

  private func tensor(_ name: String) -> Tensor? {
    switch name {
    case SuppliedHead.weightName: head.weight
    case SuppliedHead.biasName: head.bias
    default: nil
    }
  }

  func type(of name: String) -> StoredType? {
    tensor(name).map { StoredType(.f32, $0.shape) } ?? base.type(of: name)
  }

  func read(_ name: String) throws(Diagnostic) -> Tensor {
    if let tensor = tensor(name) { return tensor }
    return try base.read(name)
  }

  func read(_ name: String, part: Int) throws(Diagnostic) -> Tensor {
    guard tensor(name) == nil else {
      return try cut(name, part)
    }
    return try base.read(name, part: part)
  }

  /// One row of the head.
  private func cut(_ name: String, _ part: Int) throws(Diagnostic) -> Tensor {
    let whole = try read(name)
    let shape = Array(whole.shape.dropFirst())
    let count = shape.reduce(1, *)
    return Tensor(shape: shape, values: Array(whole.values[part * count..<(part + 1) * count]))
  }

  func fault(of name: String) -> Diagnostic? {
    tensor(name) == nil ? base.fault(of: name) : nil
  }
}
