import Diagnostics
import Files

/// The photos that arguments name.
struct PhotoList {
  /// Their paths.
  private(set) var paths: [String] = []
  /// What folders hold besides: photos whose names are not UTF-8, and so cannot be opened.
  private(set) var skipped: [Diagnostic] = []

  /// The endings of the files that a folder is searched for; a file named itself may end anyhow.
  private static let endings = [".png", ".jpg", ".jpeg", ".webp"]

  /// Takes the arguments in order, each folder replaced by the PNG, JPEG and WebP files in it,
  /// sorted by name; folders within it are not searched.
  ///
  /// Errors: a folder that cannot be listed or has no photos.
  init(_ arguments: [String]) throws(Diagnostic) {
    for argument in arguments {
      guard Path.kind(of: argument) == .folder else {
        paths.append(argument)
        continue
      }
      try add(folder: argument)
    }
  }

  /// Takes the PNG, JPEG and WebP files in a folder, sorted by name.
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
    let found = try FolderNames(folder)
    let isPhoto = { (name: String) in
      Self.endings.contains { name.lowercased().hasSuffix($0) }
    }
    let (photos, unusable) = (found.names.filter(isPhoto), found.unusable.filter(isPhoto))
    guard !photos.isEmpty else {
      throw Diagnostic(
        unusable.isEmpty
          ? "the folder has no photos" : "the folder has no photos whose names are UTF-8",
        at: .file(folder),
        notes: ["looked for files that end in \(Self.endings.joined(separator: ", "))"])
    }
    let separator = folder.hasSuffix("/") ? "" : "/"
    paths += photos.map { folder + separator + $0 }
    if !unusable.isEmpty {
      skipped.append(
        Diagnostic(
          "skipped photos whose names are not UTF-8: "
            + ShortList.text(unusable.map { "'\($0)'" }), severity: .warning, at: .file(folder),
          hint: "rename them"))
    }
  }
}
