import Diagnostics
import IR
import Zip

/// What torch.save writes since version 1.6: a zip archive of a pickle that describes tensors, and
/// of a record for each storage.
///
/// The pickle is interpreted, not unpickled: no code of the file can run (`PickleMachine`). A
/// tensor's elements are read when it is asked for, through a mapping of the file.
public struct TorchCheckpoint: Checkpoint {
  /// What messages call it.
  public let path: String
  /// The names of all tensors, sorted.
  public let names: [String]
  /// Under which key the tensors are, and what beside them was left out.
  public let notes: [String]
  private let archive: TorchArchive
  private let views: [String: TorchView]
  private let faults: [String: Diagnostic]

  /// Opens a file and runs its pickle.
  ///
  /// A tensor that cannot be read is an error only when a model wants it.
  public init(path: String) throws(Diagnostic) {
    let archive = try TorchArchive(path: path)
    let (memory, root) = try Self.run(archive)
    let state: TorchState
    do {
      state = try TorchState(memory, root: root)
    } catch {
      throw Diagnostic(
        "the PyTorch file \(error.message)", at: .file(path),
        hint: "save a dictionary from name to tensor: torch.save(model.state_dict(), path)")
    }
    var views: [String: TorchView] = [:]
    var faults: [String: Diagnostic] = [:]
    for (name, tensor) in state.tensors {
      do {
        views[name] = try archive.checked(tensor)
      } catch {
        faults[name] = Diagnostic(error.message, at: .tensor(name, file: path))
      }
    }
    self.path = path
    self.archive = archive
    self.views = views
    self.faults = faults
    names = state.tensors.keys.sorted()
    notes = state.notes
  }

  private static func run(
    _ archive: TorchArchive
  ) throws(Diagnostic) -> (PickleMemory, root: PickleHandle) {
    let bytes = try archive.pickle()
    do {
      return try PickleMachine.run(bytes)
    } catch {
      let place = "at byte \(error.offset) of '\(archive.pickleName)'"
      if error.global != nil {
        throw Diagnostic(
          "the pickle is refused: \(error.message)", at: .file(archive.path),
          notes: [place, "vitc runs no code of a checkpoint"],
          hint: TorchCommand.tensorsAlone(of: archive.path))
      }
      throw Diagnostic(
        "the pickle is damaged or of another kind: \(error.message)", at: .file(archive.path),
        notes: [place])
    }
  }

  /// The type of a tensor, or `nil` if there is none of this name.
  public func type(of name: String) -> StoredType? {
    guard let view = views[name], let element = view.element.stored else { return nil }
    return StoredType(element, view.shape)
  }

  /// Why a tensor that is there cannot be read.
  public func fault(of name: String) -> Diagnostic? { faults[name] }

  /// Returns a tensor's values as `f32`.
  public func read(_ name: String) throws(Diagnostic) -> Tensor {
    if let fault = faults[name] { throw fault }
    guard let view = views[name], let element = view.element.stored else { throw missing(name) }
    guard element.isReadable else {
      throw Diagnostic(
        "holds \(element.rawValue), expected F32, F16, BF16 or F64",
        at: .tensor(name, file: path),
        hint: "convert it, for example with tensor.float() and torch.save")
    }
    guard view.count > 0 else { return Tensor(shape: view.shape, values: []) }
    let values = try archive.withBytes(of: view, at: .tensor(name, file: path)) { bytes in
      view.isContiguous
        ? Widening.floats(bytes, element, count: view.count) : Self.strided(view, element, bytes)
    }
    return Tensor(shape: view.shape, values: values)
  }

  /// The elements of a view that has gaps or another order, one after the other.
  private static func strided(
    _ view: TorchView, _ element: StoredElement, _ bytes: UnsafeRawBufferPointer
  ) -> [Float] {
    func widened<Stored: FixedWidthInteger & BitwiseCopyable>(_ values: [Stored]) -> [Float] {
      values.withUnsafeBytes { Widening.floats($0, element, count: view.count) }
    }
    return switch view.element.sizeBytes {
    case 2: widened(view.gathered(UInt16.self, from: bytes))
    case 4: widened(view.gathered(UInt32.self, from: bytes))
    default: widened(view.gathered(UInt64.self, from: bytes))
    }
  }
}
