import Diagnostics
import IR
import Npy

/// A NumPy archive (`.npz`) as a checkpoint: every array is a tensor under its own name.
///
/// The headers of all arrays are read when it is opened, an array's elements when it is asked for.
public struct NpzCheckpoint: Checkpoint {
  /// What messages call it.
  public let path: String
  /// The names of all tensors, sorted.
  public let names: [String]
  private let archive: NpzArchive
  private let types: [String: StoredType]
  private let faults: [String: Diagnostic]

  /// Opens an archive, by the rules of `NpzArchive`.
  ///
  /// An array that cannot be read is an error only when a model wants it: dumps of training runs
  /// have others beside the weights.
  public init(path: String) throws(Diagnostic) {
    archive = try NpzArchive(path: path)
    self.path = path
    names = archive.names.sorted()
    guard !names.isEmpty else {
      throw Diagnostic("the archive holds no array", at: .file(path))
    }
    var types: [String: StoredType] = [:]
    var faults: [String: Diagnostic] = [:]
    for name in names {
      do throws(Diagnostic) {
        let type = try archive.type(of: name)
        types[name] = StoredType(Self.stored(type.element), type.shape)
      } catch {
        faults[name] = error
      }
    }
    self.types = types
    self.faults = faults
  }

  /// The type of a tensor, or `nil` if there is none of this name.
  public func type(of name: String) -> StoredType? { types[name] }

  /// Why a tensor that is there cannot be read.
  public func fault(of name: String) -> Diagnostic? { faults[name] }

  /// Returns a tensor's values as `f32`.
  public func read(_ name: String) throws(Diagnostic) -> Tensor {
    try check(name)
    let array = try archive.read(name)
    return Tensor(shape: array.shape, values: array.values)
  }

  /// Returns one part of a tensor along its first axis.
  public func read(_ name: String, part: Int) throws(Diagnostic) -> Tensor {
    let shape = Array(try check(name).shape.dropFirst())
    let count = shape.reduce(1, *)
    return Tensor(
      shape: shape,
      values: try archive.read(name, elements: part * count..<(part + 1) * count))
  }

  @discardableResult
  private func check(_ name: String) throws(Diagnostic) -> StoredType {
    if let fault = faults[name] { throw fault }
    guard let type = types[name] else { throw missing(name) }
    // Then the product of the other extents may be too large for an Int.
    guard !type.shape.contains(0) else {
      throw Diagnostic("is empty: \(type)", at: .tensor(name, file: path))
    }
    guard type.element.isReadable else {
      throw Diagnostic(
        "holds \(type.element.rawValue), expected F32, F16, BF16 or F64",
        at: .tensor(name, file: path), hint: "save it as array.astype('<f4')")
    }
    return type
  }

  private static func stored(_ element: NpyElement) -> StoredElement {
    switch element {
    case .float16: .f16
    case .float32: .f32
    case .float64: .f64
    case .bfloat16: .bf16
    case .int8: .i8
    case .uint8: .u8
    case .int32: .i32
    case .int64: .i64
    }
  }
}
