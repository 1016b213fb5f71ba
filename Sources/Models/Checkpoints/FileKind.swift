import Diagnostics
import Foundation
import Npy

/// What a weight file is, by its first bytes, and where these say nothing, by its name.
enum FileKind: Hashable {
  case safetensors
  /// The index of several safetensors files.
  case index
  /// A zip archive of NumPy arrays.
  case npz
  /// A single NumPy array.
  case npy
  /// PyTorch's: a pickle, alone or in a zip archive.
  case pickle
  /// A zip archive of something else.
  case archive
  /// Another framework's; the name says whose.
  case foreign(String)

  /// Looks at a file.
  init(_ path: String) throws(Diagnostic) {
    let file = try ReadableFile(path)
    let start = try file.bytes(at: 0, count: min(file.sizeBytes, 9))
    let suffix = (path as NSString).pathExtension.lowercased()
    self =
      if Self.isSafetensors(start, sizeBytes: file.sizeBytes) {
        .safetensors
      } else if start.starts(with: [0x50, 0x4B, 3, 4]) || start.starts(with: [0x50, 0x4B, 5, 6]) {
        try Self.zip(path, suffix)
      } else if let kind = Self.signatures.first(where: { start.starts(with: $0.bytes) })?.kind {
        kind
      } else if start.count == 9, start[8] == UInt8(ascii: "{") {
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
  /// No other format has a small number in its first eight bytes and `{` behind them.
  private static func isSafetensors(_ start: [UInt8], sizeBytes: Int) -> Bool {
    guard start.count == 9, start[8] == UInt8(ascii: "{") else { return false }
    let length = start[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return length <= UInt64(SafetensorsHeader.lengthLimitBytes) && Int(length) <= sizeBytes - 8
  }

  private static let signatures: [(bytes: [UInt8], kind: FileKind)] = [
    ([0x93] + Array("NUMPY".utf8), .npy),
    ([0x89] + Array("HDF\r\n".utf8), .foreign("an HDF5 file (Keras)")),
    (Array("GGUF".utf8), .foreign("a GGUF file (llama.cpp)")),
    // A pickle of protocol 2 to 5.
    ([0x80, 2], .pickle), ([0x80, 3], .pickle), ([0x80, 4], .pickle), ([0x80, 5], .pickle),
  ]

  /// Only where no signature was found; a Git LFS pointer to a pickle is told as one by the reader
  /// of safetensors.
  private static let suffixes: [String: FileKind] = [
    "json": .index, "onnx": .foreign("an ONNX model"), "pb": .foreign("a TensorFlow model"),
    "msgpack": .foreign("a msgpack file (Flax)"), "h5": .foreign("an HDF5 file (Keras)"),
    "keras": .foreign("a Keras file"), "gguf": .foreign("a GGUF file (llama.cpp)"),
    "tflite": .foreign("a TensorFlow Lite model"), "pth": .pickle, "pt": .pickle, "bin": .pickle,
    "ckpt": .pickle, "pkl": .pickle, "npz": .npz, "npy": .npy,
  ]

  /// PyTorch's archives hold a pickle beside the numbers, TorchScript's code as well.
  private static func zip(_ path: String, _ suffix: String) throws(Diagnostic) -> FileKind {
    if suffix == "npz" { return .npz }
    if suffix == "keras" { return .foreign("a Keras file") }
    guard let archive = try? NpzArchive(path: path) else {
      return suffixes[suffix] == .pickle ? .pickle : .npz
    }
    if archive.otherMembers.contains(where: { $0.hasSuffix("data.pkl") }) { return .pickle }
    return archive.names.isEmpty ? .archive : .npz
  }

  /// The command that converts a PyTorch file.
  ///
  /// The file holds a `state_dict`, or one under `state_dict`, `model_ema` or `model`, as training
  /// scripts write it. Tensors that share memory are copied apart, as safetensors asks.
  static func conversion(of path: String) -> String {
    let file = (path as NSString).lastPathComponent
    let output = (file as NSString).deletingPathExtension + ".safetensors"
    return "convert it: python3 -c \"import torch, safetensors.torch as s; "
      + "d = torch.load('\(file)', map_location='cpu', weights_only=True); "
      + "d = d.get('state_dict') or d.get('model_ema') or d.get('model') or d; "
      + "s.save_file({k: v.clone().contiguous() for k, v in d.items() if torch.is_tensor(v)}, "
      + "'\(output)')\""
  }

  /// The diagnostic for a file that is not read; `nil` for one that is.
  func refusal(_ path: String) -> Diagnostic? {
    let reads = "vitc reads safetensors and Google's .npz"
    switch self {
    case .safetensors, .index, .npz: return nil
    case .pickle:
      return Diagnostic(
        "is a PyTorch file, whose pickle could run any code; \(reads)", at: .file(path),
        hint: Self.conversion(of: path))
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
