import Diagnostics
import Files
import Zip

/// What a weight file is, by its first bytes, and where these say nothing, by its name.
enum FileKind: Hashable {
  case safetensors
  /// The index of several safetensors files.
  case index
  /// A zip archive of NumPy arrays.
  case npz
  /// A single NumPy array.
  case npy
  /// PyTorch's: tensors in a zip archive.
  case torch
  /// PyTorch's, of before version 1.6: pickles and numbers one after the other.
  case legacyTorch
  /// As `legacyTorch`, with pickles of protocol 4 or 5, which have frames.
  case framedTorch
  /// PyTorch's: a program with its weights, in a zip archive.
  case torchScript
  /// A pickle of something else.
  case pickle
  /// Named as a PyTorch file, and none.
  case damagedTorch
  /// A Git LFS pointer.
  case pointer
  /// A zip archive of something else.
  case archive
  /// Another framework's; the name says whose.
  case foreign(String)

  /// Looks at a file.
  init(_ path: String) throws(Diagnostic) {
    let file = try ReadableFile(path)
    let start = try file.bytes(at: 0, count: min(file.sizeBytes, 16))
    let suffix = Path.suffix(of: path).lowercased()
    self =
      if Self.isSafetensors(start, sizeBytes: file.sizeBytes) {
        .safetensors
      } else if start.starts(with: [0x50, 0x4B, 3, 4]) || start.starts(with: [0x50, 0x4B, 5, 6]) {
        Self.zip(path, suffix)
      } else if let kind = Self.signatures.first(where: { start.starts(with: $0.bytes) })?.kind {
        kind
      } else if start.count > 8, start[8] == UInt8(ascii: "{") {
        // Whatever its name: the length of a header, and the header.
        .safetensors
      } else {
        Self.suffixes[suffix]
          ?? (start.dropFirst(4).starts(with: "TFL3".utf8)
            ? .foreign("a TensorFlow Lite model") : .safetensors)
      }
  }

  /// Whether a file begins with the length of a header that it can hold, and then with the header.
  ///
  /// This goes before every signature: the length is any number, and 640 begins as a pickle does.
  /// No other format has a small number in its first eight bytes and `{` or a space after them.
  private static func isSafetensors(_ start: [UInt8], sizeBytes: Int) -> Bool {
    guard start.count > 8, start[8] == UInt8(ascii: "{") || isJSONSpace(start[8]) else {
      return false
    }
    let length = start[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return length <= UInt64(SafetensorsHeader.lengthLimitBytes) && Int(length) <= sizeBytes - 8
  }

  /// Whether a byte is white space between values of JSON.
  static func isJSONSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// 0x1950A86A20F9469CFC6C, as a pickle writes integers.
  private static let legacyMagic: [UInt8] = [
    0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]
  private static let legacyFrame: [UInt8] = [0x95, 13, 0, 0, 0, 0, 0, 0, 0]

  private static let signatures: [(bytes: [UInt8], kind: FileKind)] = [
    ([0x93] + Array("NUMPY".utf8), .npy),
    ([0x89] + Array("HDF\r\n".utf8), .foreign("an HDF5 file (Keras)")),
    (Array("GGUF".utf8), .foreign("a GGUF file (llama.cpp)")),
    (Array("version https://git-lfs".utf8.prefix(16)), .pointer),
    // PROTO, from protocol 4 on FRAME of 13 bytes, LONG1 of ten bytes: the magic number that
    // torch.save began with, as far as the first 16 bytes hold it.
    ([0x80, 2, 0x8A, 0x0A] + legacyMagic, .legacyTorch),
    ([0x80, 3, 0x8A, 0x0A] + legacyMagic, .legacyTorch),
    ([0x80, 4] + legacyFrame + [0x8A, 0x0A] + legacyMagic.prefix(3), .framedTorch),
    ([0x80, 5] + legacyFrame + [0x8A, 0x0A] + legacyMagic.prefix(3), .framedTorch),
    // A pickle of protocol 2 to 5.
    ([0x80, 2], .pickle), ([0x80, 3], .pickle), ([0x80, 4], .pickle), ([0x80, 5], .pickle),
  ]

  /// Only where no signature was found.
  private static let suffixes: [String: FileKind] = [
    "json": .index, "onnx": .foreign("an ONNX model"), "pb": .foreign("a TensorFlow model"),
    "msgpack": .foreign("a msgpack file (Flax)"), "h5": .foreign("an HDF5 file (Keras)"),
    "keras": .foreign("a Keras file"), "gguf": .foreign("a GGUF file (llama.cpp)"),
    "tflite": .foreign("a TensorFlow Lite model"), "pth": .damagedTorch, "pt": .damagedTorch,
    "bin": .damagedTorch, "ckpt": .damagedTorch, "pkl": .damagedTorch, "npz": .npz, "npy": .npy,
  ]

  /// PyTorch's archives hold a pickle beside the numbers, TorchScript's code as well.
  private static func zip(_ path: String, _ suffix: String) -> FileKind {
    if suffix == "npz" { return .npz }
    if suffix == "keras" { return .foreign("a Keras file") }
    guard let archive = try? ZipArchive(path: path) else {
      // Its own reader says what is wrong.
      return suffixes[suffix] == .damagedTorch ? .torch : .npz
    }
    let names = archive.entries.map(\.name)
    if let pickle = names.first(where: TorchArchive.isPickle) {
      let folder = pickle.dropLast("data.pkl".count)
      let isProgram = names.contains {
        $0 == folder + "constants.pkl" || $0.hasPrefix(folder + "code/")
      }
      return isProgram ? .torchScript : .torch
    }
    return names.contains { $0.hasSuffix(".npy") } ? .npz : .archive
  }

  /// The diagnostic for a file that is not read; `nil` for one that is.
  func refusal(_ path: String) -> Diagnostic? {
    let reads = "vitc reads safetensors, PyTorch's zip archives and Google's .npz"
    switch self {
    case .safetensors, .index, .npz, .torch: return nil
    case .legacyTorch:
      return Diagnostic(
        "is a PyTorch file of the form before version 1.6; \(reads)", at: .file(path),
        hint: TorchCommand.rewriting(path))
    case .framedTorch:
      // torch's reader that runs no code knows pickles without frames only, up to protocol 3.
      return Diagnostic(
        "is a PyTorch file of the form before version 1.6; \(reads)", at: .file(path),
        hint: TorchCommand.tensorsAlone(of: path))
    case .torchScript:
      return Diagnostic(
        "is a TorchScript program, expected tensors alone; \(reads)", at: .file(path),
        hint: TorchCommand.weights(ofProgram: path))
    case .pickle:
      return Diagnostic(
        "is a pickle that torch.save did not write; \(reads)", at: .file(path),
        hint: "save a dictionary from name to tensor with torch.save")
    case .damagedTorch:
      return Diagnostic(
        "is named as a PyTorch file, but begins as none; \(reads)", at: .file(path),
        hint: "the file is damaged or of another format; download it again")
    case .pointer:
      return Diagnostic(
        "is a Git LFS pointer, not the weights", at: .file(path), hint: "run 'git lfs pull'")
    case .npy:
      return Diagnostic(
        "is a single NumPy array; \(reads)", at: .file(path),
        hint: "a checkpoint holds all tensors: numpy.savez(path, **tensors)")
    case .archive:
      return Diagnostic("is a zip archive without arrays; \(reads)", at: .file(path))
    case .foreign(let what):
      return Diagnostic(
        "is \(what); \(reads)", at: .file(path),
        hint: "save the weights as safetensors from the framework that wrote it")
    }
  }
}
