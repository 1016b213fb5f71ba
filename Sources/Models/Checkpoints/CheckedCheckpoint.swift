import Diagnostics
import IR
import Synchronization

/// A checkpoint that notices NaN and infinite values in what is read through it, and a head of
/// zeros.
public final class CheckedCheckpoint: Checkpoint {
  private let base: any Checkpoint
  private let found = Mutex<[String: Diagnostic]>([:])

  /// What messages call it.
  public var path: String { base.path }
  /// The names of all tensors, sorted.
  public var names: [String] { base.names }

  /// The weight of the head.
  private let head: String?

  /// Wraps a checkpoint, in which `head` is the weight of the head.
  public init(_ base: any Checkpoint, head: String? = nil) {
    self.base = base
    self.head = head
  }

  /// The type of a tensor, or `nil` if there is none of this name.
  public func type(of name: String) -> StoredType? { base.type(of: name) }

  /// Returns a tensor's values as `f32`.
  public func read(_ name: String) throws(Diagnostic) -> Tensor {
    let tensor = try base.read(name)
    let count = Widening.countNonFinite(tensor.values)
    if count > 0 {
      let message = "\(count) of \(tensor.values.count) values are NaN or infinite"
      let hint =
        base.type(of: name)?.element == .f64
        ? "values beyond the range of f32 become infinite" : nil
      let warning = Diagnostic(
        message, severity: .warning, at: .tensor(name, file: path), hint: hint)
      found.withLock { $0[name] = warning }
    }
    if name == head, tensor.values.allSatisfy({ $0 == 0 }) {
      let warning = Diagnostic(
        "the head is all zeros: the logits are the same for every image and say nothing",
        severity: .warning, at: .tensor(name, file: path),
        hint: "the model was published without its head: say --head none for its features")
      found.withLock { $0[name] = warning }
    }
    return tensor
  }

  /// A warning for each tensor read so far that has NaN or infinite values, by name.
  public var warnings: [Diagnostic] {
    found.withLock { found in found.sorted { $0.key < $1.key }.map(\.value) }
  }
}
