import Diagnostics
import Files
import Photos

/// The photos that arguments name, of commands that cannot do with none of an argument.
struct PhotoList {
  /// Their paths.
  private(set) var paths: [String] = []
  /// Photos that cannot be opened, since their names are not UTF-8.
  private(set) var unusable = 0
  /// What should be told of folders: photos that cannot be opened, or are of formats that are not
  /// read; folders that may not be read.
  private(set) var warnings: [Diagnostic] = []

  /// Takes the arguments in order, each folder replaced by the photos in it and in all folders
  /// below it, as ``PhotoWalk`` finds them.
  ///
  /// Errors: a folder that cannot be listed or has no photos.
  init(_ arguments: [String]) throws(Diagnostic) {
    for argument in arguments {
      if Path.kind(of: argument) == .folder {
        try add(folder: argument)
      } else {
        paths.append(argument)
      }
    }
  }

  /// Takes the photos in a folder and in all folders below it.
  ///
  /// Errors: it is not a folder, cannot be listed, or has no photos.
  init(folder: String) throws(Diagnostic) {
    guard let found = Path.kind(of: folder) else {
      throw Diagnostic("no such folder", at: .file(folder))
    }
    guard found == .folder else {
      throw Diagnostic("is a file, expected a folder of photos", at: .file(folder))
    }
    try add(folder: folder)
  }

  private mutating func add(folder: String) throws(Diagnostic) {
    let before = paths.count
    var (closed, foreign) = ([String](), [String]())
    try PhotoWalk.visit(folder: folder, ScratchSpace()) { (found) throws(Diagnostic) in
      switch found {
      case .photo(let path), .unlistable(let path): paths.append(path)
      case .unusable(let path): if PhotoWalk.isPhoto(path) { closed.append(path) }
      case .skipped(let path, _): if PhotoWalk.isForeign(path) { foreign.append(path) }
      case .warning(let warning): warnings.append(warning)
      }
    }
    guard paths.count > before else {
      throw Diagnostic(
        closed.isEmpty
          ? "the folder has no photos" : "the folder has no photos whose names are UTF-8",
        at: .file(folder),
        notes: [
          "looked for files that end in \(PhotoWalk.listedEndings), in all folders below it too"
        ])
    }
    unusable += closed.count
    warn(folder, "skipped photos whose names are not UTF-8", closed, hint: "rename them")
    warn(folder, "skipped photos of formats that are not read", foreign)
  }

  private mutating func warn(
    _ folder: String, _ message: String, _ files: [String], hint: String? = nil
  ) {
    guard !files.isEmpty else { return }
    let prefix = folder.hasSuffix("/") ? folder : folder + "/"
    let names = files.map { "'\($0.hasPrefix(prefix) ? $0.dropFirst(prefix.count) : $0[...])'" }
    warnings.append(
      Diagnostic(
        "\(message): " + ShortList.text(names), severity: .warning, at: .file(folder), hint: hint))
  }
}
