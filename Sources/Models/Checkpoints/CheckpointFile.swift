import Diagnostics
import Files

/// Opens what `--weights` names.
public enum CheckpointFile {
  /// The weight files of a model folder, in the order in which they are looked for.
  public static let fileNames = [
    "model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
    "pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin",
  ]

  /// Opens a safetensors file, a zip archive that torch.save wrote, an index of several of either
  /// (`….index.json`), a folder that holds one of these under its usual name, or an archive of
  /// NumPy arrays (`.npz`).
  public static func open(path: String) throws(Diagnostic) -> any Checkpoint {
    guard let found = Path.kind(of: path) else {
      throw Diagnostic("no such file or folder", at: .file(path))
    }
    if found == .folder { return try openFolder(path) }
    let kind = try FileKind(path)
    if let refusal = kind.refusal(path) { throw refusal }
    return switch kind {
    case .index: try ShardedCheckpoint(indexPath: path)
    case .npz: try NpzCheckpoint(path: path)
    case .torch: try TorchCheckpoint(path: path)
    case .safetensors, .npy, .legacyTorch, .framedTorch, .torchScript, .pickle, .damagedTorch,
      .pointer,
      .archive, .foreign:
      try Safetensors(path: path)
    }
  }

  private static func openFolder(_ path: String) throws(Diagnostic) -> any Checkpoint {
    let present = (try? FolderNames(path))?.names ?? []
    for name in fileNames where present.contains(name) {
      return try open(path: Path.joining(path, name))
    }
    let others = present.filter {
      ["bin", "pt", "pth", "ckpt", "safetensors", "npz", "h5", "msgpack"].contains(
        Path.suffix(of: $0).lowercased())
    }
    throw Diagnostic(
      "the folder has neither model.safetensors nor pytorch_model.bin, nor an index of either",
      at: .file(path),
      notes: others.isEmpty ? [] : ["it holds \(ShortList.text(others))"],
      hint: others.count == 1
        ? "name the weights with --weights \(Path.joining(path, others[0]))"
        : "name the weights with --weights FILE or --weights seed:N")
  }
}
