import IR
import Synchronization

/// A checkpoint that notices NaN and infinite values in what is read through it.
public final class CheckedCheckpoint: Checkpoint {
  private let base: any Checkpoint
  private let found = Mutex<[String: Diagnostic]>([:])

  /// What messages call it.
  public var path: String { base.path }
  /// The names of all tensors, sorted.
  public var names: [String] { base.names }

  /// Wraps a checkpoint.
  public init(_ base: any Checkpoint) { self.base = base }

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
    return tensor
  }

  /// A warning for each tensor read so far that has NaN or infinite values, by name.
  public var warnings: [Diagnostic] {
    found.withLock { found in found.sorted { $0.key < $1.key }.map(\.value) }
  }
}
