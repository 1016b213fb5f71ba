import Foundation
import IR

/// Opens what `--weights` names.
public enum CheckpointFile {
  /// The weight files of a model folder, in the order in which they are looked for.
  public static let fileNames = [
    "model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
  ]

  /// Opens a safetensors file, an index of several (`….index.json`), or a folder that holds either.
  public static func open(path: String) throws(Diagnostic) -> any Checkpoint {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Diagnostic("no such file or folder", at: .file(path))
    }
    if isFolder.boolValue {
      return try openFolder(path)
    }
    switch (path as NSString).pathExtension.lowercased() {
    case "json": return try ShardedCheckpoint(indexPath: path)
    case "bin", "pt", "pth", "ckpt", "pkl": throw notSafetensors(path, "a PyTorch (pickle) file")
    case "npz", "npy": throw notSafetensors(path, "a NumPy file")
    case "h5", "msgpack", "onnx", "gguf", "tflite":
      throw notSafetensors(path, "a file of another framework")
    default: return try Safetensors(path: path)
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
    let pickles = others.filter { !$0.hasSuffix(".safetensors") }
    throw Diagnostic(
      "the folder has no model.safetensors and no model.safetensors.index.json", at: .file(path),
      notes: notes,
      hint: pickles.isEmpty
        ? "name the weights with --weights FILE or --weights seed:N" : conversionHint)
  }

  private static let conversionHint =
    "convert it in Python: safetensors.torch.save_file(torch.load(FILE, map_location='cpu', "
    + "weights_only=True), 'model.safetensors')"

  static func notSafetensors(_ path: String, _ what: String) -> Diagnostic {
    Diagnostic("is \(what); vitc reads safetensors only", at: .file(path), hint: conversionHint)
  }
}
