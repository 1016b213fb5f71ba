import Diagnostics
import Foundation

/// Opens what `--weights` names.
public enum CheckpointFile {
  /// The weight files of a model folder, in the order in which they are looked for.
  public static let fileNames = [
    "model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
  ]

  /// Opens a safetensors file, an index of several (`….index.json`), a folder that holds either, or
  /// an archive of NumPy arrays (`.npz`).
  public static func open(path: String) throws(Diagnostic) -> any Checkpoint {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Diagnostic("no such file or folder", at: .file(path))
    }
    if isFolder.boolValue {
      return try openFolder(path)
    }
    let kind = try FileKind(path)
    if let refusal = kind.refusal(path) { throw refusal }
    return switch kind {
    case .index: try ShardedCheckpoint(indexPath: path)
    case .npz: try NpzCheckpoint(path: path)
    case .safetensors, .npy, .pickle, .archive, .foreign: try Safetensors(path: path)
    }
  }

  private static func openFolder(_ path: String) throws(Diagnostic) -> any Checkpoint {
    let present = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    for name in fileNames where present.contains(name) {
      return try open(path: (path as NSString).appendingPathComponent(name))
    }
    let others = present.filter {
      ["bin", "pt", "pth", "ckpt", "safetensors", "npz", "h5", "msgpack"].contains(
        ($0 as NSString).pathExtension.lowercased())
    }.sorted()
    var notes: [String] = []
    if !others.isEmpty { notes = ["it holds \(others.joined(separator: ", "))"] }
    throw Diagnostic(
      "the folder has no model.safetensors and no model.safetensors.index.json", at: .file(path),
      notes: notes, hint: hint(others))
  }

  /// What to do with the weight files that a folder has.
  private static func hint(_ files: [String]) -> String {
    let pickles = files.filter {
      ["bin", "pt", "pth", "ckpt"].contains(($0 as NSString).pathExtension.lowercased())
    }
    if files.count == pickles.count, let first = pickles.first {
      return FileKind.conversion(of: first)
    }
    return "name the weights with --weights FILE or --weights seed:N"
  }
}
