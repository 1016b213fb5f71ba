import Diagnostics
import Files
import Photos

/// What `-o` must not name.
enum Overwriting {
  /// Throws if a file that will be written is one that is read.
  ///
  /// - Parameters:
  ///   - output: where `-o` leads; `nil` for standard output.
  ///   - inputs: files, or folders of which some files are read.
  static func check(_ output: String?, inputs: [String]) throws(Diagnostic) {
    guard let output else { return }
    for input in inputs {
      for path in [input] + files(in: input)
      where RegularFile.isSame(path, output) {
        throw Diagnostic(
          "-o names '\(path)', which is read: it would be overwritten", at: .argument("-o"),
          hint: "choose another name")
      }
    }
  }

  /// The files of a folder that may be read, sorted; none of what is no folder.
  static func files(in folder: String) -> [String] {
    ((try? FolderNames(folder))?.names ?? []).filter(isInput).map { "\(folder)/\($0)" }
  }

  /// Whether a file of a folder that is an input looks like one that is read: others may be what
  /// vitc wrote there before.
  private static func isInput(_ name: String) -> Bool {
    let suffixes = ["json", "safetensors", "npz", "bin", "pt", "pth", "ckpt"]
    return suffixes.contains(Path.suffix(of: name).lowercased()) || PhotoWalk.isPhoto(name)
  }
}
